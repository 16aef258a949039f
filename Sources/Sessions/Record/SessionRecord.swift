import KVStorage

/// What storage holds of a session: an envelope that the layer reads, and the data that only the codec understands.
///
/// The stored form is text that `cat` and `redis-cli` show, a line of numbers, further lines by name, an empty line, the
/// data:
///
///     session/2 1 1780000000000 1780000060000 3600000 86400000
///     secret 1Rr…0M
///     user ada
///
///     {"count":2}
///
/// The numbers are the data's version, when the session began, when it was last seen (milliseconds since 1970), its idle
/// limit (0: none) and its absolute limit (milliseconds). Touching a session writes new numbers and copies the rest.
///
/// A session is one record for its whole life: regenerating writes another hash into `secret`. In the first format
/// (`session/1`) the ID was the secret and named the record as well; such a record is read, and written in this one.
package struct SessionRecord: Sendable, Hashable {
    /// The version of the application's data type.
    var dataVersion: Int
    /// When the absolute limit began to run: creation or the last authentication.
    var created: Timestamp
    /// When activity was last written down.
    var seen: Timestamp
    /// The limits that it was made with.
    var limits: SessionLimits
    /// The hash of the secret that the client has to bring; `nil` in a sealed record, and in one of the first format.
    var secret: String?
    /// Whose session it is, once authenticated.
    var user: String?
    /// Whether it was read in the first format.
    var isFirstFormat = false
    /// Whether a time in it lay ahead and was put right, see ``correct(_:)``.
    var isCorrected = false
    /// Lines by name other than these two; those that this version does not know stay as they are.
    var fields: [Field] = []
    /// The data as the codec wrote it.
    var data: [UInt8]

    /// A further line of the envelope.
    struct Field: Sendable, Hashable {
        var name: String
        /// Anything without line breaks.
        var value: String
    }

    /// Creates the record of a session that begins now.
    init(dataVersion: Int, limits: SessionLimits, now: Timestamp, user: String? = nil, data: [UInt8]) {
        self.dataVersion = dataVersion
        self.created = now
        self.seen = now
        self.limits = limits
        self.user = user
        self.data = data
    }

    /// The value of the first line of that name; setting it to `nil` removes the line.
    subscript(_ name: String) -> String? {
        get { self.fields.first { $0.name == name }?.value }
        set {
            let index = self.fields.firstIndex { $0.name == name }
            switch (index, newValue) {
            case (let index?, let value?): self.fields[index].value = value
            case (let index?, nil): self.fields.remove(at: index)
            case (nil, let value?): self.fields.append(Field(name: name, value: value))
            case (nil, nil): break
            }
        }
    }

    /// R08, R09: when the session ends, by what the record says and what is configured now, whichever is stricter.
    ///
    /// The absolute limit runs from ``created``, which neither activity nor an update moves.
    func deadline(_ configured: SessionLimits) -> Timestamp {
        let limits = self.limits.stricter(configured)
        let end = self.created.advanced(by: .milliseconds(limits.absolute))
        guard let idle = limits.idle else { return end }
        return min(end, self.seen.advanced(by: .milliseconds(idle)))
    }

    /// When the absolute limit ends the session, however active it is.
    func end(_ configured: SessionLimits) -> Timestamp {
        self.created.advanced(by: .milliseconds(min(self.limits.absolute, configured.absolute)))
    }

    /// How far ahead another machine's clock may be.
    static let clockTolerance = Duration.seconds(300)

    /// Moves times that lie ahead to now: a clock that was ahead when they were written must make no immortal session. The
    /// limits then run from the moment at which that is found.
    mutating func correct(_ now: Timestamp) {
        let latest = now.advanced(by: Self.clockTolerance)
        guard self.created > latest || self.seen > latest else { return }
        if self.created > latest { self.created = now }
        if self.seen > latest { self.seen = now }
        self.isCorrected = true
    }
}
