import KVStorage

/// What the lines of the envelope mean.
extension SessionRecord {
    /// Which session took this one's place, and until when this one may still be read.
    struct Successor: Sendable, Hashable {
        var handle: String
        var readableUntil: Timestamp
    }

    /// The ID, which only a sealed record holds.
    var id: SessionID? {
        get {
            self["id"].flatMap { text in
                var text = text
                return text.withUTF8 { SessionID(UnsafeRawBufferPointer($0)) }
            }
        }
        set { self["id"] = newValue?.text }
    }

    /// The number of its user's revocations when it was made; only sealed records have one.
    var generation: Int {
        get { self["generation"].flatMap { Int($0) } ?? 0 }
        set { self["generation"] = newValue == 0 ? nil : String(newValue) }
    }

    /// Set once the session has a new ID and its old one may still read for a while.
    var successor: Successor? {
        get {
            guard let parts = self["successor"]?.split(separator: " "), parts.count == 2, let until = Int64(parts[0])
            else { return nil }
            return Successor(handle: String(parts[1]), readableUntil: Timestamp(milliseconds: until))
        }
        set { self["successor"] = newValue.map { "\($0.readableUntil.milliseconds) \($0.handle)" } }
    }

    /// Whether the line is there at all, readable or not: then the record can't be written.
    var isSuperseded: Bool { self["successor"] != nil }

    private static let flashStart = "flash."

    /// The codec's bytes of a value that is to be read once; setting `nil` removes it.
    subscript(flash name: String) -> [UInt8]? {
        get { self[Self.flashLine(name)].flatMap { Base64.url.decode($0.utf8) } }
        set { self[Self.flashLine(name)] = newValue.map { Base64.url.encode($0) } }
    }

    /// The lines that hold values to be read once.
    var flashLines: [Field] { self.fields.filter { $0.name.utf8.starts(with: Self.flashStart.utf8) } }

    /// Removes the values that are to be read once.
    mutating func removeFlash() {
        self.fields.removeAll { $0.name.utf8.starts(with: Self.flashStart.utf8) }
    }

    /// What the session's own data takes, values to be read once included (R31).
    var dataBytes: Int {
        self.flashLines.reduce(self.data.count) { $0 + $1.name.utf8.count + $1.value.utf8.count }
    }

    private static func flashLine(_ name: String) -> String {
        self.flashStart + Base64.url.encode(Array(name.utf8))
    }
}
