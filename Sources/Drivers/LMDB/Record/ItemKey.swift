import KVStorage

/// Which keys of a database are names of items: UTF-8 in the normal form of `normalizeKey(_:)` that `Storage` accepts.
///
/// Others, be they another program's or damaged, are somebody else's: no call could read them by a name, so they are
/// neither listed nor cleared.
enum ItemKey {
    /// Returns the key as text, or `nil` if it is not an item's.
    @inline(__always)
    static func name(_ key: UnsafeRawBufferPointer) -> String? {
        guard self.isNormal(key) else { return nil }
        return String(validating: key, as: UTF8.self)
    }

    static func isItem(_ key: UnsafeRawBufferPointer) -> Bool {
        guard self.isNormal(key) else { return false }
        if key.allSatisfy({ $0 < 0x80 }) { return true }
        return String(validating: key, as: UTF8.self) != nil
    }

    @inline(__always)
    private static func isNormal(_ key: UnsafeRawBufferPointer) -> Bool {
        guard let last = key.last, last != UInt8(ascii: "$") else { return false }
        // Where a colon may not follow: at the beginning and after a colon.
        var isAfterColon = true
        for byte in key {
            // All that is not just itself comes before the letters, but for one.
            guard byte > UInt8(ascii: "?") else {
                switch byte {
                case UInt8(ascii: ":"):
                    if isAfterColon { return false }
                    isAfterColon = true
                    continue
                case UInt8(ascii: "?"), UInt8(ascii: "/"), 0: return false
                default:
                    isAfterColon = false
                    continue
                }
            }
            if byte == UInt8(ascii: "\\") { return false }
            isAfterColon = false
        }
        return !isAfterColon
    }

    // MARK: - Listing

    /// Returns where the keys end that share the ancestor of this one which has more than `depth` colons, if it is that
    /// deep.
    ///
    /// In the order of bytes the keys below `"a:"` are those between `"a:"` and `"a;"`, as `;` follows `:` in ASCII.
    static func end(ofSubtreeOf key: UnsafeRawBufferPointer, deeperThan depth: Int) -> [UInt8]? {
        var colons = 0
        for (offset, byte) in key.enumerated() where byte == UInt8(ascii: ":") {
            colons += 1
            if colons > max(depth, 0) { return [UInt8](key[..<offset]) + [UInt8(ascii: ";")] }
        }
        return nil
    }

    /// Returns a page's cursor for the last key that was looked at: the key, be it an item's or not, or where that is no
    /// text NUL, which is in no item's key, and the bytes in hexadecimal digits.
    static func cursor(after key: UnsafeRawBufferPointer) -> String {
        if key.first != 0, let text = String(validating: key, as: UTF8.self) { return text }
        let digits = key.flatMap { byte -> [UInt8] in
            [byte >> 4, byte & 15].map { $0 < 10 ? UInt8(ascii: "0") + $0 : UInt8(ascii: "a") + $0 - 10 }
        }
        return "\0" + String(decoding: digits, as: UTF8.self)
    }

    /// Returns the key that a cursor stands for.
    ///
    /// - Throws: `StorageError.Code.invalidOption` if ``cursor(after:)`` did not make it.
    static func position(of cursor: String) throws(StorageError) -> [UInt8] {
        let bytes = Array(cursor.utf8)
        guard bytes.first == 0 else { return bytes }
        let digits = bytes.dropFirst().compactMap { self.digit($0) }
        guard digits.count == bytes.count - 1, digits.count.isMultiple(of: 2) else {
            throw StorageError(.invalidOption, "the cursor did not come with a page of keys; list from the beginning")
        }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}

extension UnsafeRawBufferPointer {
    /// Returns whether the bytes begin with the given ones.
    @inline(__always)
    func hasPrefix(_ prefix: UnsafeRawBufferPointer) -> Bool {
        self.count >= prefix.count
            && compareBytes(UnsafeRawBufferPointer(rebasing: self[..<prefix.count]), prefix) == 0
    }
}
