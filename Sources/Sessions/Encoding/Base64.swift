/// Base64 without padding (RFC 4648), strict: one text for one byte string.
enum Base64: Sendable {
    /// `+` and `/` as in express's cookie signatures.
    case standard
    /// `-` and `_`: legal in cookies, keys and file names as they are.
    case url

    /// Returns how many characters `count` bytes take.
    static func encodedCount(_ count: Int) -> Int { (count * 4 + 2) / 3 }

    /// Returns the text that stands for the bytes.
    func encode(_ bytes: UnsafeRawBufferPointer) -> String {
        String(unsafeUninitializedCapacity: Self.encodedCount(bytes.count)) { self.encode(bytes, into: $0) }
    }

    /// Returns the text that stands for the bytes.
    func encode(_ bytes: [UInt8]) -> String {
        bytes.withUnsafeBytes { self.encode($0) }
    }

    /// Writes the text, for which there has to be room, and returns its length.
    func encode(_ bytes: UnsafeRawBufferPointer, into text: UnsafeMutableBufferPointer<UInt8>) -> Int {
        let alphabet = self.alphabet.utf8Start
        var written = 0
        var bits: UInt32 = 0
        var bitCount: UInt32 = 0
        for byte in bytes {
            bits = bits << 8 | UInt32(byte)
            bitCount += 8
            while bitCount >= 6 {
                bitCount -= 6
                text[written] = alphabet[Int(bits >> bitCount & 63)]
                written += 1
            }
        }
        if bitCount > 0 {
            text[written] = alphabet[Int(bits << (6 - bitCount) & 63)]
            written += 1
        }
        return written
    }

    /// Returns the bytes, or `nil` if the text is not exactly what ``encode(_:)-([UInt8])`` writes.
    func decode(_ text: some Sequence<UInt8>) -> [UInt8]? {
        let text = Array(text)
        let count = text.count * 3 / 4
        var complete = false
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            complete = text.withUnsafeBytes { self.decode($0, into: UnsafeMutableRawBufferPointer(buffer)) }
            initialized = complete ? count : 0
        }
        return complete ? bytes : nil
    }

    /// Writes the bytes, for which there has to be exactly the room; `false` if the text is not canonical.
    func decode(_ text: UnsafeRawBufferPointer, into bytes: UnsafeMutableRawBufferPointer) -> Bool {
        guard text.count % 4 != 1, bytes.count == text.count * 3 / 4 else { return false }
        var written = 0
        var bits: UInt32 = 0
        var bitCount: UInt32 = 0
        for character in text {
            guard let value = self.value(character) else { return false }
            bits = bits << 6 | value
            bitCount += 6
            if bitCount >= 8 {
                bitCount -= 8
                bytes[written] = UInt8(truncatingIfNeeded: bits >> bitCount)
                written += 1
            }
        }
        // Bits past the last byte have to be zero, or several texts would stand for the same bytes.
        return bits & ((1 << bitCount) - 1) == 0
    }

    /// Returns the character's six bits, or `nil` if it is not of this alphabet.
    @inline(__always)
    func value(_ character: UInt8) -> UInt32? {
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): return UInt32(character - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): return UInt32(character - UInt8(ascii: "a")) + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): return UInt32(character - UInt8(ascii: "0")) + 52
        case UInt8(ascii: "+"): return self == .standard ? 62 : nil
        case UInt8(ascii: "/"): return self == .standard ? 63 : nil
        case UInt8(ascii: "-"): return self == .url ? 62 : nil
        case UInt8(ascii: "_"): return self == .url ? 63 : nil
        default: return nil
        }
    }

    private var alphabet: StaticString {
        switch self {
        case .standard: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        case .url: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        }
    }
}
