/// Calls the body with the key's UTF-8 bytes, in place wherever the string allows it.
@inline(__always)
package func withKeyBytes<Result>(_ key: String, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    if let result = key.utf8.withContiguousStorageIfAvailable({ body(UnsafeRawBufferPointer($0)) }) {
        return result
    }
    return Array(key.utf8).withUnsafeBytes(body)
}

/// Returns whether the two keys have the same UTF-8 bytes.
///
/// `==` on strings is canonical equivalence: it holds for a precomposed and a decomposed é, which are two keys.
package func keysEqual(_ left: String, _ right: String) -> Bool {
    withKeyBytes(left) { left in
        withKeyBytes(right) { right in left.count == right.count && compareBytes(left, right) == 0 }
    }
}

/// Returns whether `left` comes before `right` in the order of their UTF-8 bytes.
package func keyPrecedes(_ left: String, _ right: String) -> Bool {
    withKeyBytes(left) { left in withKeyBytes(right) { right in compareBytes(left, right) < 0 } }
}

/// Returns whether the key's UTF-8 bytes start with those of the prefix.
package func keyHasPrefix(_ key: String, _ prefix: String) -> Bool {
    withKeyBytes(key) { key in
        withKeyBytes(prefix) { prefix in
            key.count >= prefix.count
                && compareBytes(UnsafeRawBufferPointer(rebasing: key[..<prefix.count]), prefix) == 0
        }
    }
}

/// Returns the key without the first `count` UTF-8 bytes, which must end at a character's end.
package func keyDroppingPrefix(_ key: String, _ count: Int) -> String {
    count == 0 ? key : String(decoding: key.utf8.dropFirst(count), as: UTF8.self)
}

/// Returns the number of colons in the key: 0 for a key at the root.
package func keyDepth(_ key: String) -> Int {
    withKeyBytes(key) { bytes in
        var colons = 0
        for byte in bytes where byte == UInt8(ascii: ":") { colons += 1 }
        return colons
    }
}

/// Returns the smallest string that follows every key below `base`, which ends in a colon; `nil` for the root, which has none.
///
/// In the order of bytes the keys below `"a:"` are those between `"a:"` and `"a;"`, as `;` follows `:` in ASCII.
package func keyUpperBound(ofBase base: String) -> String? {
    // By bytes: in `"\u{600}:"` both make one `Character`, and `dropLast()` would drop both.
    base.isEmpty ? nil : String(decoding: base.utf8.dropLast(), as: UTF8.self) + ";"
}

/// A key that is equal to, and hashed as, its UTF-8 bytes: for sets and dictionaries of keys, where a `String` would take
/// two keys for one that are canonically equivalent.
package struct KeyIdentity: Hashable, Sendable {
    package let key: String

    package init(_ key: String) {
        self.key = key
    }

    package static func == (left: KeyIdentity, right: KeyIdentity) -> Bool { keysEqual(left.key, right.key) }

    package func hash(into hasher: inout Hasher) {
        withKeyBytes(self.key) { hasher.combine(bytes: $0) }
    }
}
