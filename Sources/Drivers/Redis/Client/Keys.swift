import KVStorage

/// How items' keys are named in the server.
struct Keys: Sendable {
    /// What stands before every key: empty, or ending in a colon.
    let prefix: [UInt8]
    /// Whether an item and its metadata have to be named so that they have the same slot.
    let isCluster: Bool

    init(prefix: String, isCluster: Bool = false) {
        var bytes = Array(prefix.utf8)
        if bytes.last == UInt8(ascii: ":") { bytes.removeLast() }
        self.prefix = bytes.isEmpty ? [] : bytes + [UInt8(ascii: ":")]
        self.isCluster = isCluster
    }

    /// Whether all items have the same slot, as the prefix has a hash tag.
    var areTogether: Bool { self.prefix.withUnsafeBytes { Slot.tag(in: $0) != nil } }

    /// Returns the slot of an item, and of its metadata.
    func slot(of key: String) -> Int {
        (self.prefix + Array(key.utf8)).withUnsafeBytes { Slot.slot(of: $0) }
    }

    func write(_ key: String, to writer: inout CommandWriter) {
        writer.word(self.prefix, key)
    }

    func writeMeta(_ key: String, to writer: inout CommandWriter) {
        if self.isCluster {
            writer.word(self.metaName(key))
        } else {
            writer.word(self.prefix, key, ending: UInt8(ascii: "$"))
        }
    }

    /// Returns the name of an item's metadata in a cluster.
    ///
    /// An item `key` with a hash tag has `key$`, as everywhere. One without has `{key}$$`, whose tag is all of the item's
    /// name. Where the name has a brace that would end this tag too soon it is `{tag}key$$`, with a tag of the item's
    /// slot. As no key ends in `$`, none of these names is another item's.
    private func metaName(_ key: String) -> [UInt8] {
        let item = self.prefix + Array(key.utf8)
        let end = UInt8(ascii: "$")
        let open = UInt8(ascii: "{")
        let close = UInt8(ascii: "}")
        if item.withUnsafeBytes({ Slot.tag(in: $0) != nil }) { return item + [end] }
        if !item.contains(close) { return self.prefix + [open] + item + [close, end, end] }
        return self.prefix + [open] + Slot.tag(for: self.slot(of: key)) + [close] + Array(key.utf8) + [end, end]
    }

    /// Returns the key of the item whose metadata has the name, which is given without the prefix and one `$`.
    private func itemKey(ofMeta rest: [UInt8]) -> String? {
        let open = UInt8(ascii: "{")
        let close = UInt8(ascii: "}")
        var key = rest
        if rest.last == UInt8(ascii: "$") {
            key.removeLast()
            guard key.first == open, let end = key.firstIndex(of: close) else { return nil }
            if end == key.count - 1 {
                let item = key[1..<end]
                guard item.starts(with: self.prefix) else { return nil }
                key = Array(item.dropFirst(self.prefix.count))
            } else {
                key = Array(key[(end + 1)...])
            }
        }
        guard let text = String(validating: key, as: UTF8.self) else { return nil }
        // There is one name only.
        return self.metaName(text) == self.prefix + rest + [UInt8(ascii: "$")] ? text : nil
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
        let text =
            isMetadata && self.isCluster ? self.itemKey(ofMeta: Array(bytes)) : String(validating: bytes, as: UTF8.self)
        guard let key = text, !key.isEmpty, !key.utf8.contains(0),
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
