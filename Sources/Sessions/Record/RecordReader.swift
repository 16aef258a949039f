/// Reads the parts of a stored record from front to back; never past the end, whatever the bytes are.
struct RecordReader {
    private let bytes: UnsafeRawBufferPointer
    private var index = 0

    /// Takes bytes that outlive the reader.
    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    /// Passes over the text if it comes next.
    mutating func skip(_ text: StaticString) -> Bool {
        let count = text.utf8CodeUnitCount
        guard self.bytes.count - self.index >= count else { return false }
        for offset in 0..<count where self.bytes[self.index + offset] != text.utf8Start[offset] { return false }
        self.index += count
        return true
    }

    /// Reads a decimal number of at most 19 digits and the character that ends it.
    mutating func number(endingWith end: Unicode.Scalar) -> Int64? {
        var index = self.index
        var isNegative = false
        if index < self.bytes.count, self.bytes[index] == UInt8(ascii: "-") {
            isNegative = true
            index += 1
        }
        let start = index
        var value: Int64 = 0
        while index < self.bytes.count {
            let byte = self.bytes[index]
            index += 1
            if byte == UInt8(ascii: end) {
                guard index - 1 > start else { return nil }
                self.index = index
                return isNegative ? -value : value
            }
            guard case UInt8(ascii: "0")...UInt8(ascii: "9") = byte else { return nil }
            let (tens, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflowed) = tens.addingReportingOverflow(Int64(byte - UInt8(ascii: "0")))
            guard !overflow, !overflowed else { return nil }
            value = sum
        }
        return nil
    }

    /// Reads a line of a name, a space and a value.
    mutating func field() -> SessionRecord.Field? {
        guard let end = self.bytes[self.index...].firstIndex(of: UInt8(ascii: "\n")) else { return nil }
        let line = self.bytes[self.index..<end]
        guard let space = line.firstIndex(of: UInt8(ascii: " ")), space > line.startIndex,
            let name = String(validating: line[..<space], as: UTF8.self),
            let value = String(validating: line[(space + 1)...], as: UTF8.self)
        else { return nil }
        self.index = end + 1
        return SessionRecord.Field(name: name, value: value)
    }

    /// Whether everything was read.
    var isAtEnd: Bool { self.index == self.bytes.count }

    /// Everything that was not read yet.
    var rest: [UInt8] { Array(self.bytes[self.index...]) }
}
