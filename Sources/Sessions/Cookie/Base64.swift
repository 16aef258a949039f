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
        var read = 0
        while read + 3 <= bytes.count {
            let group = (bytes[read], bytes[read + 1], bytes[read + 2])
            text[written] = alphabet[Int(group.0 >> 2)]
            text[written + 1] = alphabet[Int((group.0 & 3) << 4 | group.1 >> 4)]
            text[written + 2] = alphabet[Int((group.1 & 15) << 2 | group.2 >> 6)]
            text[written + 3] = alphabet[Int(group.2 & 63)]
            read += 3
            written += 4
        }
        var bits: UInt32 = 0
        var bitCount: UInt32 = 0
        for byte in bytes[read...] {
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
        return self.values.withUnsafeBufferPointer { values in
            var index = 0
            var written = 0
            var seen: UInt8 = 0
            while index + 4 <= text.count {
                let group = (
                    values[Int(text[index])], values[Int(text[index + 1])],
                    values[Int(text[index + 2])], values[Int(text[index + 3])]
                )
                seen |= group.0 | group.1 | group.2 | group.3
                bytes[written] = group.0 << 2 | group.1 >> 4
                bytes[written + 1] = group.1 << 4 | group.2 >> 2
                bytes[written + 2] = group.2 << 6 | group.3
                index += 4
                written += 3
            }
            var bits: UInt32 = 0
            var bitCount: UInt32 = 0
            while index < text.count {
                let value = values[Int(text[index])]
                seen |= value
                bits = bits << 6 | UInt32(value)
                bitCount += 6
                if bitCount >= 8 {
                    bitCount -= 8
                    bytes[written] = UInt8(truncatingIfNeeded: bits >> bitCount)
                    written += 1
                }
                index += 1
            }
            // Bits past the last byte have to be zero, or several texts would stand for the same bytes.
            return seen < 64 && bits & ((1 << bitCount) - 1) == 0
        }
    }

    /// Returns the last character's six bits if all characters are of this alphabet.
    func lastValue(_ text: UnsafeRawBufferPointer) -> UInt8? {
        self.values.withUnsafeBufferPointer { values in
            var seen: UInt8 = 0
            var last: UInt8 = 0
            for character in text {
                last = values[Int(character)]
                seen |= last
            }
            return seen < 64 ? last : nil
        }
    }

    /// Whether the character is of this alphabet.
    func contains(_ character: UInt8) -> Bool { self.values[Int(character)] < 64 }

    /// The six bits of each character, 255 where it is not of this alphabet.
    private var values: [UInt8] {
        switch self {
        case .standard: Self.standardValues
        case .url: Self.urlValues
        }
    }

    private static let standardValues = Self.standard.makeValues()
    private static let urlValues = Self.url.makeValues()

    private func makeValues() -> [UInt8] {
        var values = [UInt8](repeating: 255, count: 256)
        self.alphabet.withUTF8Buffer { alphabet in
            for (value, character) in alphabet.enumerated() { values[Int(character)] = UInt8(value) }
        }
        return values
    }

    private var alphabet: StaticString {
        switch self {
        case .standard: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        case .url: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        }
    }
}
