/// Numbers from their text, which has been scanned.
enum JSONNumber {
    /// Returns the integer, or `nil` if the number is none or does not fit.
    @inline(__always)
    static func integer<Integer: FixedWidthInteger>(
        _ text: UnsafeBufferPointer<UInt8>,
        isPlain: Bool,
        as type: Integer.Type = Integer.self
    ) -> Integer? {
        guard isPlain, text.count <= 18 else { return self.longInteger(text, isPlain: isPlain) }
        var sum = 0
        let isNegative = text[0] == UInt8(ascii: "-")
        for index in (isNegative ? 1 : 0)..<text.count { sum = sum &* 10 &+ Int(text[index] &- UInt8(ascii: "0")) }
        return Integer(exactly: isNegative ? -sum : sum)
    }

    @inline(never)
    private static func longInteger<Integer: FixedWidthInteger>(
        _ text: UnsafeBufferPointer<UInt8>,
        isPlain: Bool
    ) -> Integer? {
        let number = JSONDecimal(text)
        guard number.exponent >= 0, number.digits.count + number.exponent <= 39 else { return nil }
        var sum: Integer = 0
        for position in 0..<(number.digits.count + number.exponent) {
            let digit = position < number.digits.count ? Integer(number.digits[position] - UInt8(ascii: "0")) : 0
            let product = sum.multipliedReportingOverflow(by: 10)
            // Downwards for a negative one, as there is one more of them.
            let next =
                number.isNegative
                ? product.partialValue.subtractingReportingOverflow(digit)
                : product.partialValue.addingReportingOverflow(digit)
            guard !product.overflow, !next.overflow else { return nil }
            sum = next.partialValue
        }
        return sum
    }

    /// Returns the nearest double, or `nil` if it is infinite.
    static func double(_ text: UnsafeBufferPointer<UInt8>) -> Double? {
        // With a significand and a power of ten that are both exact, one division or multiplication rounds once.
        if let (significand, exponent) = self.short(text), abs(significand) <= 1 << 53, abs(exponent) <= 22 {
            let power = self.powers[abs(exponent)]
            let number = exponent < 0 ? Double(significand) / power : Double(significand) * power
            // The sign of zero is in the text alone.
            return significand == 0 && text[0] == UInt8(ascii: "-") ? -0.0 : number
        }
        let number = Double(String(decoding: text, as: UTF8.self))
        return number.flatMap { $0.isFinite ? $0 : nil }
    }

    /// Returns the nearest float, or `nil` if it is infinite.
    static func float(_ text: UnsafeBufferPointer<UInt8>) -> Float? {
        // Not by way of a double, which would round twice.
        let number = Float(String(decoding: text, as: UTF8.self))
        return number.flatMap { $0.isFinite ? $0 : nil }
    }

    /// Returns significand and exponent of a number of at most 18 digits without an `e`.
    @inline(__always)
    private static func short(_ text: UnsafeBufferPointer<UInt8>) -> (significand: Int, exponent: Int)? {
        guard text.count <= 19 else { return nil }
        var significand = 0
        var exponent = 0
        var isFraction = false
        let isNegative = text[0] == UInt8(ascii: "-")
        for index in (isNegative ? 1 : 0)..<text.count {
            let digit = text[index] &- UInt8(ascii: "0")
            if digit < 10 {
                significand = significand &* 10 &+ Int(digit)
                if isFraction { exponent -= 1 }
            } else if text[index] == UInt8(ascii: ".") {
                isFraction = true
            } else {
                return nil
            }
        }
        // Nineteen digits may be more than a word holds; then the text has no point and no sign.
        if text.count == 19, !isFraction, !isNegative { return nil }
        return (isNegative ? -significand : significand, exponent)
    }

    private static let powers: [Double] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
        1e20, 1e21, 1e22,
    ]
}

/// A number by its digits: exact, however many there are, and equal to every other way to write it.
struct JSONDecimal: Hashable {
    let isNegative: Bool
    /// The digits in ASCII from the first to the last that is not 0; none for zero.
    let digits: [UInt8]
    /// The power of ten that they are multiplied by.
    let exponent: Int

    /// Takes a number's text apart, which has been scanned.
    init(_ text: some Sequence<UInt8>) {
        var digits: [UInt8] = []
        var (exponent, written) = (0, 0)
        var (isNegative, isFraction, isExponent, isNegativeExponent) = (false, false, false, false)
        for byte in text {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                if isExponent {
                    // Further than any number of digits in a text can bring back.
                    written = min(written * 10 + Int(byte - UInt8(ascii: "0")), 1 << 40)
                    continue
                }
                if isFraction { exponent -= 1 }
                if byte != UInt8(ascii: "0") || !digits.isEmpty { digits.append(byte) }
            case UInt8(ascii: "."): isFraction = true
            case UInt8(ascii: "-"): if isExponent { isNegativeExponent = true } else { isNegative = true }
            case UInt8(ascii: "e"), UInt8(ascii: "E"): isExponent = true
            default: break
            }
        }
        exponent += isNegativeExponent ? -written : written
        while digits.last == UInt8(ascii: "0") {
            digits.removeLast()
            exponent += 1
        }
        self.isNegative = isNegative
        self.digits = digits
        self.exponent = digits.isEmpty ? 0 : exponent
    }
}
