#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

// The types of Foundation that JSON has a form for. Of Foundation's coders nothing is used.

extension JSONElement {
    /// Whether a type is one that ``foundationValue(_:)`` reads.
    @inline(__always)
    static func isFoundation(_ type: Any.Type) -> Bool {
        type == Date.self || type == Data.self || type == Decimal.self || type == URL.self
    }

    func foundationValue<Value: Decodable>(_ type: Value.Type) throws -> Value {
        if type == Date.self { return sameType(try self.date(), type) }
        if type == Data.self { return sameType(try self.data(), type) }
        if type == Decimal.self { return sameType(try self.decimal(), type) }
        if type == URL.self { return sameType(try self.url(), type) }
        return try Value(from: self)
    }

    private func date() throws -> Date {
        guard let date = ISO8601.parse(try self.string()) else {
            throw self.corrupted("the text is no date and time of ISO 8601")
        }
        return date
    }

    private func data() throws -> Data {
        guard let bytes = Base64.decode(Array(try self.string().utf8)) else {
            throw self.corrupted("the text is no base64")
        }
        return Data(bytes)
    }

    private func url() throws -> URL {
        guard let url = URL(string: try self.string()) else { throw self.corrupted("the text is no URL") }
        return url
    }

    /// `Decimal` has 38 digits, and powers of ten of a byte.
    private func decimal() throws -> Decimal {
        let number = try self.withNumber(Decimal.self) { JSONDecimal($0) }
        // Digits may move to where the exponent does not reach.
        let surplus = max(number.exponent - 127, 0)
        guard number.digits.count + surplus <= 38, -128...127 ~= number.exponent - surplus else {
            throw self.corrupted("the number does not fit Decimal")
        }
        let digits = number.digits + [UInt8](repeating: UInt8(ascii: "0"), count: surplus)
        let (high, low) = (Self.value(digits.dropLast(19)), Self.value(digits.suffix(19)))
        let magnitude = Decimal(sign: .plus, exponent: 19, significand: Decimal(high)) + Decimal(low)
        return Decimal(
            sign: number.isNegative && !digits.isEmpty ? .minus : .plus, exponent: number.exponent - surplus,
            significand: magnitude)
    }

    private static func value(_ digits: some Sequence<UInt8>) -> UInt64 {
        digits.reduce(0) { $0 * 10 + UInt64($1 - UInt8(ascii: "0")) }
    }
}

extension JSONWriter {
    /// Writes a value of a type that JSON has a form for, and returns whether it is one.
    func writeFoundation<Value: Encodable>(_ value: Value) throws -> Bool {
        if Value.self == Date.self, let date = value as? Date {
            guard let text = ISO8601.format(date) else {
                // Not the date itself: describing one that is no number traps in Foundation.
                throw self.invalid(date.timeIntervalSinceReferenceDate, "the date is not in the years 0 to 9999")
            }
            self.write(text)
            return true
        }
        if Value.self == Data.self, let data = value as? Data {
            self.bytes.append(UInt8(ascii: "\""))
            self.write(raw: Base64.encode(Array(data)))
            self.bytes.append(UInt8(ascii: "\""))
            return true
        }
        if Value.self == Decimal.self, let decimal = value as? Decimal {
            guard decimal.isFinite else { throw self.invalid(decimal, "JSON has no NaN") }
            self.write(raw: Array("\(decimal)".utf8))
            return true
        }
        if Value.self == URL.self, let url = value as? URL {
            self.write(url.absoluteString)
            return true
        }
        return false
    }
}
