/// The text of JSON strings.
enum JSONText {
    /// Returns the value of a hexadecimal digit.
    @inline(__always)
    static func hexadecimal(_ digit: UInt8) -> UInt32? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(digit - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(digit - UInt8(ascii: "a")) + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(digit - UInt8(ascii: "A")) + 10
        default: nil
        }
    }

    /// Returns the text of a string with escapes, which has been scanned.
    static func unescaped(_ text: UnsafeBufferPointer<UInt8>) -> String {
        // No escape is shorter than what it stands for.
        String(unsafeUninitializedCapacity: text.count) { Self.unescape(text, into: $0) }
    }

    private static func unescape(
        _ text: UnsafeBufferPointer<UInt8>, into target: UnsafeMutableBufferPointer<UInt8>
    )
        -> Int
    {
        var (read, written) = (0, 0)
        while read < text.count {
            let byte = text[read]
            guard byte == UInt8(ascii: "\\") else {
                target[written] = byte
                read += 1
                written += 1
                continue
            }
            if text[read + 1] == UInt8(ascii: "u") {
                var scalar = Self.codeUnit(text, at: read + 2)
                read += 6
                if 0xD800...0xDBFF ~= scalar {
                    scalar = 0x10000 + (scalar - 0xD800) << 10 + (Self.codeUnit(text, at: read + 2) - 0xDC00)
                    read += 6
                }
                written = Self.write(scalar, into: target, at: written)
            } else {
                target[written] = Self.character(text[read + 1])
                read += 2
                written += 1
            }
        }
        return written
    }

    private static func codeUnit(_ text: UnsafeBufferPointer<UInt8>, at index: Int) -> UInt32 {
        (0..<4).reduce(0) { $0 << 4 | (Self.hexadecimal(text[index + $1]) ?? 0) }
    }

    private static func character(_ escape: UInt8) -> UInt8 {
        switch escape {
        case UInt8(ascii: "b"): 0x08
        case UInt8(ascii: "f"): 0x0C
        case UInt8(ascii: "n"): 0x0A
        case UInt8(ascii: "r"): 0x0D
        case UInt8(ascii: "t"): 0x09
        default: escape
        }
    }

    private static func write(_ scalar: UInt32, into target: UnsafeMutableBufferPointer<UInt8>, at start: Int) -> Int {
        guard let scalar = Unicode.Scalar(scalar), let encoded = UTF8.encode(scalar) else { return start }
        var index = start
        for byte in encoded {
            target[index] = byte
            index += 1
        }
        return index
    }
}
