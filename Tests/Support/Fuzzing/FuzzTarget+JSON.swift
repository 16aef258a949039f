import KVStorage

extension FuzzTarget {
    private struct Visitor: Codable, Equatable {
        enum Kind: Codable, Equatable {
            case guest
            case member(name: String, level: UInt8?)
        }

        var kind: Kind
        var visits: Int
        var score: Double?
        var tags: [String]
        var byName: [String: [Int?]]
    }

    private static let texts = [
        #"{"kind":{"member":{"name":"Ada","level":3}},"visits":12,"score":1.5,"tags":["a","ü"],"byName":{"x":[1,null]}}"#,
        #"{"kind":{"guest":{}},"visits":-1e2,"tags":[],"byName":{},"more":[{"a":"\ud83d\ude00\n"},true,0.1e-7]}"#,
        #"[[["a"],{"":{"":null}}],"\u0000",18446744073709551615,1e999,-0]"#, #" { "visits" : 1 , "visits" : 2 } "#,
        "\"eight by eight by eight\"", "123456789012345678901234567890",
    ]

    /// JSON. What is read is written as JSON that reads back as the same, by any type; and the same value has the same bytes.
    static let json = FuzzTarget(name: "json", share: 10) {
        let mutator = Mutator(
            seeds: Self.texts,
            pieces: [
                "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u", "\\ud83d", "\\ude00", "null", "true", "1e400", "-",
                "0", ".5",
                "\"visits\":1", "\"\":", " ", "\n", "\u{0}", "\u{FEFF}", "e\u{301}", "ü", "99999999999999999999",
            ],
            maximumCount: 2000
        )
        let codec = JSONStorageCodec()
        return { generator in
            let input = mutator.input(&generator)
            if let visitor = try? codec.decode(Visitor.self, from: input) {
                let bytes = try codec.encode(visitor)
                guard try codec.decode(Visitor.self, from: bytes) == visitor, try codec.encode(visitor) == bytes else {
                    throw Violation("a struct comes back as another", input)
                }
            }
            do {
                let value = try codec.decode(StorageValue.self, from: input)
                let bytes = try codec.encode(value)
                let again = try codec.decode(StorageValue.self, from: bytes)
                guard again == value, try codec.encode(again) == bytes else {
                    throw Violation("a value comes back as another", input)
                }
                return true
            } catch is DecodingError {
                return false
            }
        }
    }
}
