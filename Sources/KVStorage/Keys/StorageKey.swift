/// Rules for what may be a key.
public enum StorageKey {
    /// Returns any string as one segment that is safe in a key, different for different strings.
    ///
    /// Percent-encodes the UTF-8 bytes of `: / \ ? $ %` and NUL; an empty string becomes a lone `%`. Everything else,
    /// other Unicode included, stays readable. Use it for what comes from outside:
    ///
    ///     try await storage.setItem("users:\(StorageKey.escaped(email))", user)
    public static func escaped(_ string: String) -> String {
        if string.isEmpty { return "%" }
        guard string.utf8.contains(where: self.isSpecial) else { return string }
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in string.utf8 {
            if self.isSpecial(byte) {
                bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Returns the string that ``escaped(_:)`` made the segment from, or `nil` if it did not make it.
    public static func unescaped(_ segment: String) -> String? {
        if segment == "%" { return "" }
        var bytes: [UInt8] = []
        var rest = segment.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
                return nil
            }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        guard let string = String(validating: bytes, as: UTF8.self), self.escaped(string) == segment else { return nil }
        return string
    }

    private static func isSpecial(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: ":"), UInt8(ascii: "/"), UInt8(ascii: "\\"), UInt8(ascii: "?"), UInt8(ascii: "$"),
            UInt8(ascii: "%"), 0:
            true
        default:
            false
        }
    }

    /// Returns why a base is refused, or `nil` if it may be one; an empty base may.
    static func problem(ofBase base: String) -> String? {
        if base.isEmpty { return nil }
        let normal = normalizeKey(base)
        if normal.isEmpty {
            return "the base is not empty but has nothing left when it is normal; for everything use an empty base"
        }
        return normal.utf8.contains(0)
            ? "a base can't hold the NUL character; StorageKey.escaped(_:) makes it safe" : nil
    }

    /// Throws unless a normal key may name an item.
    static func validate(_ key: String) throws(StorageError) {
        let problem: String? = withKeyBytes(key) { bytes in
            guard let last = bytes.last else { return "the key is empty after normalisation; name an item" }
            if last == UInt8(ascii: "$") {
                return "a key can't end in \"$\", which is reserved for metadata; StorageKey.escaped(_:) makes it safe"
            }
            for byte in bytes where byte == 0 {
                return "a key can't hold the NUL character; StorageKey.escaped(_:) makes it safe"
            }
            return nil
        }
        if let problem { throw StorageError(.invalidKey, problem, key: key) }
    }
}
