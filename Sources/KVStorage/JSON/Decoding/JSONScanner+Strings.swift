extension JSONScanner {
    private static let ones: UInt64 = 0x0101_0101_0101_0101
    private static let highBits: UInt64 = 0x8080_8080_8080_8080

    /// Returns a word with the high bit set in the first byte that is not plain text, and none if all eight are plain: ASCII
    /// without control characters, quotes and backslashes. Bytes behind the first one may be marked wrongly.
    @inline(__always)
    static func special(_ word: UInt64) -> UInt64 {
        let quote = word ^ (self.ones &* UInt64(UInt8(ascii: "\"")))
        let backslash = word ^ (self.ones &* UInt64(UInt8(ascii: "\\")))
        let control = (word &- self.ones &* 0x20) & ~word
        return (((quote &- self.ones) & ~quote) | ((backslash &- self.ones) & ~backslash) | control | word)
            & self.highBits
    }

    /// Scans a string, whose quote is at the position, and writes it down.
    @inline(__always)
    mutating func scanString() throws(JSONFailure) {
        let start = self.position
        var position = start + 1
        var flag: UInt32 = 0
        while true {
            if position + 8 <= self.count {
                let word = UnsafeRawPointer(self.bytes + position).loadUnaligned(as: UInt64.self)
                let special = Self.special(UInt64(littleEndian: word))
                guard special != 0 else {
                    position += 8
                    continue
                }
                position += special.trailingZeroBitCount >> 3
            }
            guard position < self.count else { throw self.ended() }
            let byte = self.bytes[position]
            if byte == UInt8(ascii: "\"") { break }
            if byte == UInt8(ascii: "\\") {
                flag = Self.flag
                position = try self.endOfEscape(position)
            } else if byte >= 0x80 {
                position = try self.endOfCharacter(position)
            } else if byte >= 0x20 {
                position += 1
            } else {
                throw self.unexpected("a control character in a string", at: position)
            }
        }
        self.tape.appendReserved(UInt32(start))
        self.tape.appendReserved(UInt32(position - start - 1) | flag)
        self.position = position + 1
    }

    /// Returns where the escape ends whose backslash is at a position.
    private func endOfEscape(_ position: Int) throws(JSONFailure) -> Int {
        guard position + 1 < self.count else { throw self.ended() }
        switch self.bytes[position + 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            return position + 2
        case UInt8(ascii: "u"): break
        default: throw self.unexpected("an unknown escape in a string", at: position)
        }
        let unit = try self.codeUnit(position)
        guard 0xD800...0xDFFF ~= unit else { return position + 6 }
        // Half of a surrogate pair stands for no character.
        guard unit < 0xDC00, position + 7 < self.count, self.bytes[position + 6] == UInt8(ascii: "\\"),
            self.bytes[position + 7] == UInt8(ascii: "u"), 0xDC00...0xDFFF ~= (try self.codeUnit(position + 6))
        else { throw self.unexpected("half of a surrogate pair in a string", at: position) }
        return position + 12
    }

    private func codeUnit(_ position: Int) throws(JSONFailure) -> UInt32 {
        guard position + 6 <= self.count else { throw self.ended() }
        var unit: UInt32 = 0
        for offset in 2..<6 {
            guard let digit = JSONText.hexadecimal(self.bytes[position + offset]) else {
                throw self.unexpected("no hexadecimal digit in an escape", at: position + offset)
            }
            unit = unit << 4 | digit
        }
        return unit
    }

    /// Returns where the character ends that begins at a position with a byte above ASCII (Unicode, table 3-7).
    private func endOfCharacter(_ position: Int) throws(JSONFailure) -> Int {
        let lead = self.bytes[position]
        let second: ClosedRange<UInt8>
        let length: Int
        switch lead {
        case 0xC2...0xDF: (second, length) = (0x80...0xBF, 2)
        case 0xE0: (second, length) = (0xA0...0xBF, 3)
        case 0xED: (second, length) = (0x80...0x9F, 3)
        case 0xE1...0xEF: (second, length) = (0x80...0xBF, 3)
        case 0xF0: (second, length) = (0x90...0xBF, 4)
        case 0xF1...0xF3: (second, length) = (0x80...0xBF, 4)
        case 0xF4: (second, length) = (0x80...0x8F, 4)
        default: throw self.unexpected("no UTF-8", at: position)
        }
        guard position + length <= self.count else { throw self.ended() }
        guard second ~= self.bytes[position + 1] else { throw self.unexpected("no UTF-8", at: position) }
        for offset in 2..<max(length, 2) where self.bytes[position + offset] & 0xC0 != 0x80 {
            throw self.unexpected("no UTF-8", at: position)
        }
        return position + length
    }
}
