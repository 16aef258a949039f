// By index and not by element: to form one costs a reference counted up and down, which is as much as reading a number. The
// element is for the error.
extension JSONDocument {
    @inline(__always)
    func isNull(_ index: UInt32) -> Bool { self.firstByte(index) == UInt8(ascii: "n") }

    @inline(__always)
    func boolean(_ index: UInt32, _ element: @autoclosure () -> JSONElement) throws -> Bool {
        switch self.firstByte(index) {
        case UInt8(ascii: "t"): return true
        case UInt8(ascii: "f"): return false
        default: throw element().mismatch(Bool.self, "a boolean")
        }
    }

    @inline(__always)
    func string(_ index: UInt32, _ element: @autoclosure () -> JSONElement) throws -> String {
        guard self.firstByte(index) == UInt8(ascii: "\"") else { throw element().mismatch(String.self, "a string") }
        return self.string(index)
    }

    @inline(__always)
    func integer<Integer: FixedWidthInteger>(
        _ index: UInt32,
        _ element: @autoclosure () -> JSONElement
    ) throws -> Integer {
        guard self.isNumber(index) else { throw element().mismatch(Integer.self, "a number") }
        let isPlain = !self.isFlagged(index)
        guard let value = self.withText(index, { JSONNumber.integer($0, isPlain: isPlain, as: Integer.self) }) else {
            throw element().corrupted("the number does not fit \(Integer.self)")
        }
        return value
    }

    @inline(__always)
    func double(_ index: UInt32, _ element: @autoclosure () -> JSONElement) throws -> Double {
        guard self.isNumber(index) else { throw element().mismatch(Double.self, "a number") }
        guard let value = self.withText(index, { JSONNumber.double($0) }) else {
            throw element().corrupted("the number does not fit Double")
        }
        return value
    }

    @inline(__always)
    func float(_ index: UInt32, _ element: @autoclosure () -> JSONElement) throws -> Float {
        guard self.isNumber(index) else { throw element().mismatch(Float.self, "a number") }
        guard let value = self.withText(index, { JSONNumber.float($0) }) else {
            throw element().corrupted("the number does not fit Float")
        }
        return value
    }

    @inline(__always)
    func isNumber(_ index: UInt32) -> Bool {
        let byte = self.firstByte(index)
        return byte &- UInt8(ascii: "0") < 10 || byte == UInt8(ascii: "-")
    }
}
