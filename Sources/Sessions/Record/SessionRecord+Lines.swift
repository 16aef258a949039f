import KVStorage

/// What the lines of the envelope mean.
extension SessionRecord {
    /// The hash of the secret before the last regeneration, and until when it may still read.
    struct Previous: Sendable, Hashable {
        var readableUntil: Timestamp
        var secret: String
    }

    /// The ID, which only a sealed record holds.
    var id: SessionID? {
        get {
            self["id"].flatMap { SessionID($0) }
        }
        set { self["id"] = newValue?.text }
    }

    /// Set after a regeneration whose old ID may still read for a while.
    var previous: Previous? {
        get {
            guard let parts = self["previous"]?.split(separator: " "), parts.count == 2, let until = Int64(parts[0])
            else { return nil }
            return Previous(readableUntil: Timestamp(milliseconds: until), secret: String(parts[1]))
        }
        set { self["previous"] = newValue.map { "\($0.readableUntil.milliseconds) \($0.secret)" } }
    }

    /// Whether a record of the first format was moved to another ID; then it is no session any more.
    var isSuperseded: Bool { self.isFirstFormat && self["successor"] != nil }

    /// What the epochs were when its user logged in, see ``SessionCore/isRevoked(_:)``; a session without a user has none.
    var epochs: [String] {
        get { self["epochs"]?.split(separator: " ").map(String.init) ?? [] }
        set { self["epochs"] = newValue.isEmpty ? nil : newValue.joined(separator: " ") }
    }

    /// Whether its user chose that it outlive the browser, or that it do not; `nil`: as configured.
    var isPersistent: Bool? {
        get { self["persistent"].flatMap { $0 == "1" ? true : $0 == "0" ? false : nil } }
        set { self["persistent"] = newValue.map { $0 ? "1" : "0" } }
    }

    /// When its user last logged in. Not ``created``, which is put right where a clock was ahead.
    var authenticated: Timestamp? {
        get { self["authenticated"].flatMap { Int64($0) }.map(Timestamp.init(milliseconds:)) }
        set { self["authenticated"] = newValue.map { String($0.milliseconds) } }
    }

    private static let methodStart = "method."

    /// When the user last proved who they are by that method; setting `nil` forgets it.
    subscript(method name: String) -> Timestamp? {
        get { self[Self.methodLine(name)].flatMap { Int64($0) }.map(Timestamp.init(milliseconds:)) }
        set { self[Self.methodLine(name)] = newValue.map { String($0.milliseconds) } }
    }

    /// The methods by which the user proved who they are, and when each was last used.
    var methods: [String: Timestamp] {
        var methods: [String: Timestamp] = [:]
        for field in self.fields where field.name.utf8.starts(with: Self.methodStart.utf8) {
            guard let name = Base64.url.decode(field.name.utf8.dropFirst(Self.methodStart.utf8.count)),
                let time = Int64(field.value)
            else { continue }
            methods[String(decoding: name, as: UTF8.self)] = Timestamp(milliseconds: time)
        }
        return methods
    }

    private static func methodLine(_ name: String) -> String {
        self.methodStart + Base64.url.encode(Array(name.utf8))
    }

    /// A line that holds any text.
    subscript(text name: String) -> String? {
        get { self[name].flatMap(Self.unescape) }
        set { self[name] = newValue.map(Self.escape) }
    }

    /// The application's own name for what the session hangs on, by which it can be ended.
    var identifier: String? {
        get { self[text: "identifier"] }
        set { self[text: "identifier"] = newValue }
    }

    private static let flashStart = "flash."

    /// The codec's bytes of a value that is to be read once; setting `nil` removes it.
    subscript(flash name: String) -> [UInt8]? {
        get { self[Self.flashLine(name)].flatMap { Base64.url.decode($0.utf8) } }
        set { self[Self.flashLine(name)] = newValue.map { Base64.url.encode($0) } }
    }

    /// The lines that hold values to be read once.
    var flashLines: [Field] { self.fields.filter { $0.name.utf8.starts(with: Self.flashStart.utf8) } }

    /// What the session's own data takes, values to be read once included (R31).
    var dataBytes: Int {
        self.flashLines.reduce(self.data.count) { $0 + $1.name.utf8.count + $1.value.utf8.count }
    }

    private static func flashLine(_ name: String) -> String {
        self.flashStart + Base64.url.encode(Array(name.utf8))
    }
}
