import KVStorage
import KVStorageTesting
import Testing

/// Any JSON is the same JSON after it was read and written, or is refused.
@Suite("JSON: StorageValue") struct JSONStorageValueTests {
    private let codec = JSONStorageCodec()
    private let storage = Storage()

    private static func numeral(_ text: String) -> StorageValue {
        StorageValue.Numeral(text).map { .numeral($0) } ?? .null
    }

    @Test(
        "Each number is what holds it exactly, and is written as it was",
        arguments: [
            ("0", 0), ("-1", -1), ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)),
            ("9223372036854775808", .unsigned(9_223_372_036_854_775_808)), ("18446744073709551615", .unsigned(.max)),
            ("18446744073709551616", Self.numeral("18446744073709551616")),
            ("-9223372036854775809", Self.numeral("-9223372036854775809")),
            ("123456789012345678901234567890", Self.numeral("123456789012345678901234567890")),
            ("1.0", .number(1)), ("-0.0", .number(-0.0)), ("0.1", .number(0.1)), ("1e+16", .number(1e16)),
            ("1.7976931348623157e+308", .number(.greatestFiniteMagnitude)), ("5e-324", .number(.leastNonzeroMagnitude)),
            ("1e999", Self.numeral("1e999")), ("-1E400", Self.numeral("-1E400")), ("1e-400", Self.numeral("1e-400")),
            ("0.10000000000000000001", Self.numeral("0.10000000000000000001")),
            ("3.14159265358979323846", Self.numeral("3.14159265358979323846")),
        ] as [(String, StorageValue)])
    func numbers(_ text: String, _ expected: StorageValue) async throws {
        for (text, expected) in [(text, expected), ("{\"a\":[\(text)]}", ["a": [expected]])] {
            try await self.storage.setItemRaw("k", Array(text.utf8))
            let value = try await self.storage.getItem("k", as: StorageValue.self)
            #expect(value == expected)
            try await self.storage.setItem("k", value)
            #expect(try await self.storage.getItemRaw("k") == Array(text.utf8))
        }
    }

    @Test(
        "Other ways to write a number are the same number",
        arguments: [
            ("1e2", "100.0"), ("-0", "-0.0"), ("1E22", "1e+22"), ("0.50", "0.5"), ("1e23", "1e+23"), ("100e-2", "1.0"),
            ("0.30000000000000004", "0.30000000000000004"),
        ])
    func otherForms(_ text: String, _ expected: String) throws {
        let value = try self.codec.decode(StorageValue.self, from: Array(text.utf8))
        #expect(String(decoding: try self.codec.encode(value), as: UTF8.self) == expected)
    }

    @Test func wholeDoublesAndIntegersStayApart() async throws {
        for value in [
            StorageValue.number(1), .integer(1), .number(-0.0), .number(1e15), .number(9_007_199_254_740_992),
        ] {
            try await self.storage.setItem("k", value)
            #expect(try await self.storage.getItem("k") == value)
        }
        #expect(throws: EncodingError.self) { try self.codec.encode(StorageValue.number(.nan)) }
        #expect(throws: EncodingError.self) { try self.codec.encode(["a": StorageValue.number(.infinity)]) }
    }

    @Test func numerals() {
        #expect(StorageValue.Numeral("1e3") == StorageValue.Numeral("1000.0"))
        #expect(StorageValue.Numeral("1e3")?.hashValue == StorageValue.Numeral("1000.0")?.hashValue)
        #expect(StorageValue.Numeral("1e3") != StorageValue.Numeral("1e4"))
        #expect(StorageValue.Numeral(" 12 ")?.text == "12")
        for text in ["", "a", "01", "NaN", "null", "\"1\"", "[1]", "1 2", "{}"] {
            #expect(StorageValue.Numeral(text) == nil)
        }
    }

    @Test("JSON that can't be represented is refused, not read as text")
    func refused() async throws {
        let deep = String(repeating: "[", count: 600) + String(repeating: "]", count: 600)
        let equivalent = "{\"caf\u{E9}\":1,\"cafe\u{301}\":2}"
        for text in [deep, equivalent, "[\(equivalent)]"] {
            try await self.storage.setItemRaw("k", Array(text.utf8))
            let error = await #expect(throws: StorageError.self) {
                try await self.storage.getItem("k", as: StorageValue.self)
            }
            #expect(error?.code == .decoding)
            #expect(try await self.storage.getItem("k") == text, "the bytes stay")
        }
        #expect(throws: DecodingError.self) {
            try self.codec.decode([String: Int].self, from: Array(equivalent.utf8))
        }
        let names = try self.codec.decode([String: Int].self, from: Array("{\"caf\u{E9}\":1,\"caf\\u00e9\":2}".utf8))
        #expect(names == ["caf\u{E9}": 2], "the same name, twice")
    }

    @Test("A string that looks like JSON beyond the limits stays that string")
    func deepText() async throws {
        let brackets = String(repeating: "[", count: 600)
        for text in [brackets, brackets + String(repeating: "]", count: 600), "{\"caf\u{E9}\":1,\"cafe\u{301}\":2}"] {
            try await self.storage.setItem("k", StorageValue.string(text))
            #expect(try await self.storage.getItem("k") == StorageValue.string(text))
            try await self.storage.typed(String?.self).setItem("o", .some(.some(text)))
            #expect(try await self.storage.typed(String?.self).getItem("o") == .some(.some(text)))
        }
    }

    @Test("Any value comes back, with the same bytes", arguments: [11, 12, 13] as [UInt64])
    func anyValue(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<150 {
            let value = StorageValue.random(depth: 5, &random)
            let bytes = try self.codec.encode(value)
            let text = String(decoding: bytes, as: UTF8.self)
            #expect(JSONGrammar.accepts(bytes), "seed \(seed): \(text)")
            let read = try self.codec.decode(StorageValue.self, from: bytes)
            #expect(read == value, "seed \(seed): \(text)")
            #expect(try self.codec.encode(read) == bytes, "seed \(seed): \(text)")
        }
    }
}

extension StorageValue {
    static func random(depth: Int, _ random: inout SeededGenerator) -> StorageValue {
        switch Int.random(in: 0..<(depth > 0 ? 10 : 7), using: &random) {
        case 0: return .null
        case 1: return .bool(.random(using: &random))
        case 2: return .integer(.random(in: -100...100, using: &random))
        case 3: return .integer(.random(in: .min ... .max, using: &random))
        case 4: return .unsigned(.random(in: UInt64(Int64.max) + 1 ... .max, using: &random))
        case 5:
            let number = Double(bitPattern: .random(in: .min ... .max, using: &random))
            return .number(number.isFinite ? number : 0.5)
        case 6: return .string(self.text(&random))
        case 7, 8:
            return .array(
                (0..<Int.random(in: 0...5, using: &random)).map { _ in self.random(depth: depth - 1, &random) })
        default:
            // A few objects are large, whose members are found otherwise.
            let count = Int.random(in: 0...19, using: &random) == 0 ? 60 : Int.random(in: 0...6, using: &random)
            return .object(
                Dictionary((0..<count).map { _ in (self.text(&random), self.random(depth: depth - 2, &random)) }) { $1 }
            )
        }
    }

    static func text(_ random: inout SeededGenerator) -> String {
        let pieces = [
            "a", "b", "name", "\"", "\\", "/", "\n", "\u{0}", "\u{1F}", " ", "é", "e\u{301}", "\u{1F600}", "\u{2028}",
            "\u{FFFF}",
            "\u{7F}", "key", "0", "{", "]", ":", ",", "eight by", "\u{10FFFF}",
        ]
        return (0..<Int.random(in: 0...6, using: &random)).map { _ in pieces.randomElement(using: &random) ?? "" }
            .joined()
    }
}
