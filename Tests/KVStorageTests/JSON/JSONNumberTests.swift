import Foundation
import KVStorage
import KVStorageTesting
import Testing

@Suite("JSON: numbers") struct JSONNumberTests {
    private let codec = JSONStorageCodec()

    private func text(_ value: some Encodable) throws -> String {
        String(decoding: try self.codec.encode(value), as: UTF8.self)
    }

    private func read<Value: Decodable>(_ text: String, as type: Value.Type = Value.self) throws -> Value {
        // In an array and alone, which are two ways in the codec.
        let value = try self.codec.decode([Value].self, from: Array("[\(text)]".utf8))
        _ = try self.codec.decode(type, from: Array(text.utf8))
        return value[0]
    }

    private func expectRefused<Value: Decodable>(
        _ text: String, _ type: Value.Type, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let error = #expect(throws: DecodingError.self, sourceLocation: sourceLocation) {
            try self.read(text, as: type)
        }
        guard case .dataCorrupted(let context)? = error else {
            Issue.record("\(text) as \(type): \(error as Any)", sourceLocation: sourceLocation)
            return
        }
        #expect(context.codingPath.map(\.intValue) == [0], sourceLocation: sourceLocation)
        #expect(context.debugDescription.contains("\(type)"), sourceLocation: sourceLocation)
        #expect(!context.debugDescription.contains(text), sourceLocation: sourceLocation)
    }

    private func checkLimits<Integer: FixedWidthInteger & Codable>(_ type: Integer.Type) throws {
        for value in [Integer.min, Integer.min + 1, 0, 1, 9, 10, 99, 100, Integer.max - 1, Integer.max] {
            #expect(try self.text(value) == "\(value)")
            #expect(try self.text([value]) == "[\(value)]")
            #expect(try self.text(["a": value]) == "{\"a\":\(value)}")
            #expect(try self.read("\(value)") == value)
            #expect(try self.codec.decode([String: Integer].self, from: Array("{\"a\":\(value)}".utf8)) == ["a": value])
            #expect(try self.read("\(value)e0") == value)
            #expect(try self.read("\(value).000") == value)
        }
        let above = "\(Integer.max)".dropLast() + "9"
        self.expectRefused(String(above), type)
        self.expectRefused("\(Integer.max)0", type)
        self.expectRefused("\(Integer.max)1", type)
        self.expectRefused("1e400", type)
        self.expectRefused("1.5", type)
        self.expectRefused("1e-1", type)
        self.expectRefused("0.1", type)
        self.expectRefused("170141183460469231731687303715884105728000", type)
        self.expectRefused(Integer.isSigned ? "\(Integer.min)1" : "-1", type)
    }

    @Test func integersOfEveryWidth() throws {
        try self.checkLimits(Int.self)
        try self.checkLimits(Int8.self)
        try self.checkLimits(Int16.self)
        try self.checkLimits(Int32.self)
        try self.checkLimits(Int64.self)
        try self.checkLimits(Int128.self)
        try self.checkLimits(UInt.self)
        try self.checkLimits(UInt8.self)
        try self.checkLimits(UInt16.self)
        try self.checkLimits(UInt32.self)
        try self.checkLimits(UInt64.self)
        try self.checkLimits(UInt128.self)
    }

    @Test(arguments: [
        ("1e2", 100), ("1E+2", 100), ("1.50e1", 15), ("5.0", 5), ("-5.00", -5), ("-0", 0), ("-0.0e9", 0),
        ("120e-1", 12),
        ("0e99999999999999999999", 0), ("0.000e-5", 0), ("9007199254740993", 9_007_199_254_740_993),
        ("9.223372036854775807e18", Int.max), ("-9223372036854775808.0", Int.min), ("1000000000000000000000e-21", 1),
    ])
    func integersInOtherForms(_ text: String, _ expected: Int) throws {
        #expect(try self.read(text) == expected)
    }

    @Test(arguments: [
        (0.0, "0.0"), (-0.0, "-0.0"), (1, "1.0"), (0.1, "0.1"), (1e16, "1e+16"), (1e-7, "1e-07"),
        (.pi, "3.141592653589793"),
        (.greatestFiniteMagnitude, "1.7976931348623157e+308"), (.leastNonzeroMagnitude, "5e-324"),
        (123456789, "123456789.0"),
    ])
    func doubles(_ value: Double, _ expected: String) throws {
        #expect(try self.text(value) == expected)
        #expect(try self.read(expected, as: Double.self).bitPattern == value.bitPattern)
    }

    @Test(
        arguments: [
            ("0.30000000000000004", 0.1 + 0.2), ("1e400", nil), ("-1e309", nil), ("1.7976931348623159e308", nil),
            ("1e-400", 0),
            ("9007199254740993", 9_007_199_254_740_992), ("2.2250738585072011e-308", Double("2.2250738585072011e-308")),
            ("1e23", 1e23), ("8.98846567431158e307", 8.98846567431158e307),
            ("123456789012345678", 123_456_789_012_345_680),
            ("9999999999999999999", 1e19), ("-999999999999999999", -1e18),
            ("0.1000000000000000055511151231257827021181583404541015625", 0.1), ("5", 5), ("1E2", 100),
        ] as [(String, Double?)])
    func doublesInOtherForms(_ text: String, _ expected: Double?) throws {
        guard let expected else { return self.expectRefused(text, Double.self) }
        #expect(try self.read(text) == expected)
    }

    @Test func floats() throws {
        for value in [Float(0.1), 1, .pi, .greatestFiniteMagnitude, .leastNonzeroMagnitude, -0.0, 16_777_216] {
            #expect(try self.text(value) == "\(value)")
            #expect(try self.read(self.text(value), as: Float.self).bitPattern == value.bitPattern)
        }
        self.expectRefused("1e39", Float.self)
        // Read by way of a double this would be rounded twice, to the wrong neighbour.
        #expect(try self.read("1.00000017881393432617187499", as: Float.self) == 1.00000012)
        for value in [Float.nan, .infinity, -.infinity] {
            #expect(throws: EncodingError.self) { try self.codec.encode([value]) }
        }
    }

    @Test(arguments: [
        "0", "1", "-1", "0.1", "123456789012345678901234567890.12345678", "99999999999999999999999999999999999999",
        "-0.00000000000000000000000000000000000001", "12000", "3.14159", "10000000000000000000", "18446744073709551616",
    ])
    func decimals(_ text: String) throws {
        let decimal = try self.read(text, as: Decimal.self)
        #expect("\(decimal)" == text)
        #expect(try self.text(decimal) == text)
        #expect(try self.text(["a": decimal]) == "{\"a\":\(text)}")
    }

    @Test func decimalsAreExactOrRefused() throws {
        #expect(try self.read("1.50e3", as: Decimal.self) == 1500)
        let large = Decimal(sign: .plus, exponent: 127, significand: Decimal(sign: .plus, exponent: 37, significand: 1))
        #expect(try self.read("1e164", as: Decimal.self) == large)
        #expect(try self.read("1e-128", as: Decimal.self) == Decimal(sign: .plus, exponent: -128, significand: 1))
        for text in [
            "999999999999999999999999999999999999999", "1e165", "1e-129", "1e999",
            "0.1234567890123456789012345678901234567890",
        ] {
            self.expectRefused(text, Decimal.self)
        }
        #expect(throws: EncodingError.self) { try self.codec.encode(Decimal.nan) }
        #expect(throws: EncodingError.self) { try self.codec.encode(["a": Decimal.nan]) }
    }

    @Test(
        "any double and float comes back, and as the same number that Foundation reads", arguments: [1, 2] as [UInt64])
    func anyDouble(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<1000 {
            let value = Double(bitPattern: UInt64.random(in: .min ... .max, using: &random))
            guard value.isFinite else { continue }
            let bytes = try self.codec.encode([value])
            #expect(try self.codec.decode([Double].self, from: bytes) == [value], "seed \(seed)")
            #expect(try JSONDecoder().decode([Double].self, from: Data(bytes)) == [value], "seed \(seed)")
            let small = Float(bitPattern: UInt32.random(in: .min ... .max, using: &random))
            guard small.isFinite else { continue }
            #expect(try self.codec.decode(Float.self, from: self.codec.encode(small)) == small, "seed \(seed)")
        }
    }

    @Test("any decimal text is the nearest double, as by the standard library", arguments: [3] as [UInt64])
    func anyText(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<1500 {
            func digits(_ range: ClosedRange<Int>) -> String {
                String(
                    (0..<Int.random(in: range, using: &random)).map { _ in
                        "0123456789".randomElement(using: &random) ?? "0"
                    })
            }
            var text =
                (Bool.random(using: &random) ? "-" : "") + "\(Int.random(in: 1...9, using: &random))" + digits(0...18)
            if Bool.random(using: &random) { text += "." + digits(1...18) }
            if Bool.random(using: &random) { text += "e\(Int.random(in: -40...40, using: &random))" }
            let read = try self.codec.decode([Double].self, from: Array("[\(text)]".utf8))
            #expect(read == [Double(text)], "seed \(seed): \(text)")
        }
    }
}
