import KVStorage

/// How items' keys are named in the server.
struct RedisKeys: Sendable {
    /// What stands before every key: empty, or ending in a colon.
    let prefix: [UInt8]

    init(prefix: String) {
        var bytes = Array(prefix.utf8)
        if bytes.last == UInt8(ascii: ":") { bytes.removeLast() }
        self.prefix = bytes.isEmpty ? [] : bytes + [UInt8(ascii: ":")]
    }

    func write(_ key: String, to writer: inout RedisCommandWriter) {
        writer.word(self.prefix, key)
    }

    func writeMeta(_ key: String, to writer: inout RedisCommandWriter) {
        writer.word(self.prefix, key, ending: UInt8(ascii: "$"))
    }

    /// Returns the pattern that matches the keys that start with `base`, and no other.
    func pattern(base: String) -> [UInt8] {
        var pattern: [UInt8] = []
        for byte in self.prefix + Array(base.utf8) {
            switch byte {
            case UInt8(ascii: "*"), UInt8(ascii: "?"), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "\\"):
                pattern.append(UInt8(ascii: "\\"))
            default:
                break
            }
            pattern.append(byte)
        }
        return pattern + [UInt8(ascii: "*")]
    }

    /// What a name in the server stands for.
    enum Meaning: Hashable {
        case item(String)
        /// The metadata of the item with that key.
        case metadata(String)
    }

    /// Returns what the name stands for, or `nil` if no item can have it: a neighbour's, or one that is no normal key.
    func meaning(of name: some RandomAccessCollection<UInt8>) -> Meaning? {
        guard name.starts(with: self.prefix) else { return nil }
        var bytes = name.dropFirst(self.prefix.count)
        let isMetadata = bytes.last == UInt8(ascii: "$")
        if isMetadata { bytes = bytes.dropLast() }
        guard let key = String(validating: bytes, as: UTF8.self), !key.isEmpty, !key.utf8.contains(0),
            key.utf8.last != UInt8(ascii: "$"), keysEqual(normalizeKey(key), key)
        else { return nil }
        return isMetadata ? .metadata(key) : .item(key)
    }

    /// Returns the item's key that the name stands for, or `nil`.
    func item(_ name: some RandomAccessCollection<UInt8>) -> String? {
        guard case .item(let key) = self.meaning(of: name) else { return nil }
        return key
    }
}
