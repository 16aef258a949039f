/// Percent-encoding as JavaScript's `encodeURIComponent` does it, which is what express puts into cookies.
///
/// Decoding takes capital hexadecimal digits only: with both cases allowed, several texts would be one cookie.
enum PercentEncoding {
    /// Returns the text with everything escaped that `encodeURIComponent` escapes.
    static func encode(_ text: String) -> String {
        guard text.utf8.contains(where: { !self.isUnreserved($0) }) else { return text }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count + 16)
        for byte in text.utf8 {
            if self.isUnreserved(byte) {
                bytes.append(byte)
            } else {
                bytes += [UInt8(ascii: "%"), self.digit(byte >> 4), self.digit(byte & 15)]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Returns the text, or `nil` if it has an incomplete escape or is not UTF-8.
    static func decode(_ text: String) -> String? {
        let bytes = Array(text.utf8)
        let decoded = bytes.withUnsafeBytes { source in
            withUnsafeTemporaryAllocation(byteCount: max(source.count, 1), alignment: 1) { target in
                self.decode(source, into: target).map { Array(target[..<$0]) }
            }
        }
        return decoded.flatMap { String(validating: $0, as: UTF8.self) }
    }

    /// Writes the decoded bytes and returns their number, or `nil` if an escape is bad or the room does not suffice.
    static func decode(_ text: UnsafeRawBufferPointer, into bytes: UnsafeMutableRawBufferPointer) -> Int? {
        var written = 0
        var index = 0
        while index < text.count {
            guard written < bytes.count else { return nil }
            var byte = text[index]
            index += 1
            if byte == UInt8(ascii: "%") {
                guard index + 1 < text.count, let high = self.value(text[index]), let low = self.value(text[index + 1])
                else { return nil }
                byte = high << 4 | low
                index += 2
            }
            bytes[written] = byte
            written += 1
        }
        return written
    }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
            UInt8(ascii: "!"), UInt8(ascii: "~"), UInt8(ascii: "*"), UInt8(ascii: "'"), UInt8(ascii: "("),
            UInt8(ascii: ")"):
            true
        default:
            false
        }
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") + value - 10
    }

    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
