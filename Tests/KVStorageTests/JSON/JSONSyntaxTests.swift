import KVStorage
import Testing

/// What is JSON and what is not, by RFC 8259, in the manner of JSONTestSuite: y is accepted, n refused, i left to the reader.
@Suite("JSON: syntax") struct JSONSyntaxTests {
    private let codec = JSONStorageCodec()

    private func value(_ text: [UInt8]) throws -> StorageValue { try self.codec.decode(StorageValue.self, from: text) }

    @Test("y: accepted", arguments: Self.accepted)
    func accepts(_ text: String, _ expected: StorageValue) throws {
        #expect(try self.value(Array(text.utf8)) == expected)
    }

    @Test("n: refused", arguments: Self.refused)
    func refuses(_ text: String) {
        self.expectRefused(Array(text.utf8))
    }

    @Test("n: refused, bytes", arguments: Self.refusedBytes)
    func refuses(_ bytes: [UInt8]) {
        self.expectRefused(bytes)
    }

    private func expectRefused(_ bytes: [UInt8], sourceLocation: SourceLocation = #_sourceLocation) {
        let error = #expect(throws: DecodingError.self, sourceLocation: sourceLocation) { try self.value(bytes) }
        guard case .dataCorrupted(let context)? = error else {
            Issue.record("\(error as Any)", sourceLocation: sourceLocation)
            return
        }
        #expect(context.codingPath.isEmpty, sourceLocation: sourceLocation)
        #expect(context.debugDescription.contains("no JSON"), "\(context)", sourceLocation: sourceLocation)
        // The same for types that would not look at the damaged part.
        #expect(throws: DecodingError.self, sourceLocation: sourceLocation) {
            try self.codec.decode(Anything.self, from: bytes)
        }
    }

    /// Reads nothing.
    private struct Anything: Decodable {
        init(from decoder: any Decoder) {}
    }

    static let accepted: [(String, StorageValue)] = [
        // y_array
        ("[]", []), ("[[]   ]", [[]]), ("[\"\"]", [""]), (" [1]\n\t\r ", [1]), ("[1,null]", [1, nil]),
        ("[null, 1, \"1\", {}]", [nil, 1, "1", [:]]), ("[[[[]],[]]]", [[[[]], []]]),
        // y_number
        ("0", 0), ("-0", .number(-0.0)), ("-1", -1), ("[123e65]", [.number(123e65)]), ("0e+1", .number(0)),
        ("0E1", .number(0)), ("1E22", .number(1e22)), ("1e-2", .number(0.01)), ("1E+2", .number(100)),
        ("123.456e78", .number(1.23456e80)), ("-123", -123), ("20e1", .number(200)), ("1.5", 1.5),
        // y_object
        ("{}", [:]), ("{\"a\":[]}", ["a": []]), ("{\"\":0}", ["": 0]), ("{\"a\\u0000b\":1}", ["a\u{0}b": 1]),
        ("{ \"a\" :\n1 , \"b\" : { } }", ["a": 1, "b": [:]]), ("{\"a\":1,\"a\":2}", ["a": 2]),
        ("{\"a\":1,\"b\":2,\"\\u0061\":3}", ["a": 3, "b": 2]),
        // y_string
        ("\"\\u0060\\u012a\\u12AB\"", "\u{60}\u{12A}\u{12AB}"), ("\"\\uD801\\udc37\"", "\u{10437}"),
        ("\"\\ud83d\\ude39\\ud83d\\udc8d\"", "\u{1F639}\u{1F48D}"),
        ("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\u{8}\u{C}\n\r\t"),
        ("\"\\\\u0000\"", "\\u0000"), ("\"\\u0000\"", "\u{0}"), ("\"a/*b*/c/*d//e\"", "a/*b*/c/*d//e"),
        ("\"\u{7F}\"", "\u{7F}"), ("\"\u{2028}\u{2029}\"", "\u{2028}\u{2029}"),
        ("\"\u{FFFF}\u{10FFFF}\"", "\u{FFFF}\u{10FFFF}"),
        ("\"\\uFFFE\\uFFFF\"", "\u{FFFE}\u{FFFF}"), ("\"\u{FEFF}\"", "\u{FEFF}"), ("\"e\u{301}\"", "e\u{301}"),
        ("\" \"", " "), ("\"\"", ""), ("\"12345678\"", "12345678"), ("\"1234567\\n\"", "1234567\n"),
        // y_structure
        ("true", true), ("false", false), ("null", nil), ("\"asd\"", "asd"), ("  true ", true),
        // i: numbers beyond a double are kept by their digits, one with the sign of zero by it
        ("1e999", .numeral(Self.numeral("1e999"))), ("-1e-999", .numeral(Self.numeral("-1e-999"))),
        ("100000000000000000000", .number(1e20)),
    ]

    private static func numeral(_ text: String) -> StorageValue.Numeral {
        guard let numeral = StorageValue.Numeral(text) else { preconditionFailure("\(text) is a number") }
        return numeral
    }

    static let refused: [String] = [
        // n_array
        "[1 true]", "[1,,2]", "[,1]", "[1,]", "[1,,]", "[\"\",]", "[", "[1", "[\"", "[1}", "[:1]", "[1:2]", "]", "[,]",
        "[1]x", "[1],", "[][]", "[a", "[*]", "[\"a\",\n4\n,1,", "[-]", "[ , \"\"]", "[3[4]]", "[nul]",
        // n_number
        "01", "-01", "00", "1.", ".5", "-.5", "1.e1", "1e", "1e+", "1E-", "1e1.5", "0e", "0.e1", "0.3e", "+1", "-",
        "--1",
        "-a", "1a", "0x1", "1_000", "1,000", "NaN", "-NaN", "Infinity", "-Infinity", "nan", "inf", "1 000", "1.2.3",
        "1ea",
        "0.1.2", "1eE2", "2.e+3", "-2.", "\u{FF11}", "1\u{0}",
        // n_object
        "{", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,", "{\"a\":1,}", "{,\"a\":1}", "{\"a\" 1}", "{\"a\"::1}",
        "{a:1}",
        "{'a':1}", "{1:1}", "{\"a\":1 \"b\":2}", "{\"a\":1,,\"b\":2}", "{\"a\":}", "{null:1}", "{[]:1}", "{\"a\":1]",
        "}",
        "{\"a\":1}}", "{\"a\":1}#", "{\"a\":1}/**/", "{\"a\":1}//", "{\"a\",1}", "{\"a\":1 b}", "{:1}", "{\"a\"}",
        // n_string
        "\"", "\"a", "\"\\\"", "\"\\", "\"\\u\"", "\"\\u1\"", "\"\\u12\"", "\"\\u123\"", "\"\\u00A\"", "\"\\uXXXX\"",
        "\"\\a\"",
        "\"\\x00\"", "\"\\'\"", "\"\\U0041\"", "\"\\ \"", "\"\\\u{1F300}\"", "\"\t\"", "\"\n\"", "\"\u{0}\"",
        "\"\u{1F}\"",
        "\"1234567\u{1}\"", "'a'", "\"a\"b\"", "abc", "\"\\u{41}\"", "\"\\u 041\"", "\"\\u-041\"",
        // n_string: half of a surrogate pair
        "\"\\uD800\"", "\"\\uDC00\"", "\"\\uD800\\uD800\"", "\"\\uDC00\\uD800\"", "\"\\uD800\\n\"",
        "\"\\uD800\\u0041\"",
        "\"\\uD800x\"", "\"\\uD800\\\"", "\"\\uD800\\u\"", "\"\\uD800\\uDC\"", "\"\\uDBFF\\uE000\"", "{\"\\uD800\":1}",
        // n_structure
        "", " ", "\n", "tru", "truee", "True", "TRUE", "fals", "nul", "nulll", "null null", "1 2", "\u{FEFF}1",
        "\u{FEFF}",
        "\u{A0}1", "1\u{A0}", "\u{C}1", "\u{B}1", "1\u{C}", "<null>", "@", "#", "/**/1", "//\n1", "1;", "[1]\u{0}",
        "undefined",
        "\u{2060}1", "\u{85}1", "{}[]", "[true,tr]", "*", "\\u0031", "&amp;", "{}\"",
    ]

    static let refusedBytes: [[UInt8]] =
        [
            [0xFF, 0xFE, 0x31, 0x00], [0x31, 0x00], [0x00, 0x31], [0xFE, 0xFF, 0x00, 0x31], [0xEF, 0xBB, 0xBF, 0x31],
            [0xEF, 0xBB, 0xBF], [0xEF], [0x80], [0xFF],
        ] + Self.badText.map { [0x22] + $0 + [0x22] }
        + Self.badText.map { [0x7B, 0x22] + $0 + [0x22, 0x3A, 0x31, 0x7D] }
        + Self.badText.map { [0x22] + Array("12345678é".utf8) + $0 + Array("12345678\"".utf8) }

    /// What is no UTF-8 (Unicode, table 3-7).
    private static let badText: [[UInt8]] = [
        [0x80], [0xBF], [0xC0, 0x80], [0xC1, 0xBF], [0xC2], [0xC2, 0x22], [0xC2, 0xC2], [0xE0, 0x80, 0x80],
        [0xE0, 0x9F, 0xBF],
        [0xE1, 0x80], [0xE1, 0x80, 0x41], [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF], [0xEF, 0xBF],
        [0xF0, 0x80, 0x80, 0x80],
        [0xF0, 0x8F, 0xBF, 0xBF], [0xF1, 0x80, 0x80], [0xF1, 0x80, 0x80, 0xC0], [0xF4, 0x90, 0x80, 0x80],
        [0xF5, 0x80, 0x80, 0x80],
        [0xF8, 0x88, 0x80, 0x80, 0x80], [0xFE], [0xFF],
    ]

    @Test("512 levels are read, 513 are refused with an error that says so", arguments: ["[", "{\"a\":"])
    func depth(_ opening: String) throws {
        func text(_ depth: Int) -> [UInt8] {
            let closing = opening == "[" ? "]" : "}"
            let inner = opening == "[" ? "" : "1"
            let text = String(repeating: opening, count: depth) + inner + String(repeating: closing, count: depth)
            return Array(text.utf8)
        }
        let deepest = try self.value(text(512))
        #expect(try self.codec.encode(deepest) == text(512))
        let error = #expect(throws: DecodingError.self) { try self.value(text(513)) }
        #expect("\(error as Any)".contains("deeper than 512 levels"))
        #expect(throws: DecodingError.self) { try self.value(text(100_000)) }
        let nested = opening == "[" ? StorageValue.array([deepest]) : ["a": deepest]
        let failure = #expect(throws: EncodingError.self) { try self.codec.encode(nested) }
        #expect("\(failure as Any)".contains("deeper than 512 levels"))
    }
}
