import KVStorage

/// The list of a user's sessions as storage holds it: a line for each, with the handle, when it began and when its absolute
/// limit ends it.
///
///     session-users/1
///     x0…ZQ 1780000000000 1780086400000
struct UserIndex: Sendable, Hashable {
    struct Entry: Sendable, Hashable {
        var handle: String
        var created: Timestamp
        var end: Timestamp
    }

    private static let magic: StaticString = "session-users/1\n"

    var entries: [Entry] = []

    /// Creates an empty list.
    init() {}

    /// Reads the stored form; `nil` for anything else.
    init?(_ bytes: [UInt8]) {
        let entries = bytes.withUnsafeBytes { bytes -> [Entry]? in
            var reader = RecordReader(bytes)
            guard reader.skip(Self.magic) else { return nil }
            var entries: [Entry] = []
            while let line = reader.field() {
                let numbers = line.value.split(separator: " ").compactMap { Int64($0) }
                guard numbers.count == 2 else { return nil }
                let (created, end) = (Timestamp(milliseconds: numbers[0]), Timestamp(milliseconds: numbers[1]))
                entries.append(Entry(handle: line.name, created: created, end: end))
            }
            return reader.isAtEnd ? entries : nil
        }
        guard let entries else { return nil }
        self.entries = entries
    }

    /// The stored form.
    var bytes: [UInt8] {
        var text = "\(Self.magic)"
        for entry in self.entries {
            text += "\(entry.handle) \(entry.created.milliseconds) \(entry.end.milliseconds)\n"
        }
        return Array(text.utf8)
    }

    /// Removes the entries with these handles.
    mutating func remove(_ handles: Set<String>) {
        self.entries.removeAll { handles.contains($0.handle) }
    }
}
