import Foundation
import KVStorage
import KVStorageTesting
import Testing

/// The same values by Foundation's coders: what they wrote is read, what we write is read by them, and means the same.
@Suite("JSON: against Foundation's coders") struct JSONDifferentialTests {
    private let codec = JSONStorageCodec()

    private func foundationBytes(_ value: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes]
        return [UInt8](try encoder.encode(value))
    }

    private func check<Value: Codable & Equatable>(
        _ value: Value,
        _ note: String = "",
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let (ours, theirs) = (try self.codec.encode(value), try self.foundationBytes(value))
        let note: Comment =
            "\(note) \(String(decoding: ours, as: UTF8.self)) \(String(decoding: theirs, as: UTF8.self))"
        #expect(try self.codec.decode(Value.self, from: ours) == value, note, sourceLocation: sourceLocation)
        #expect(try self.codec.decode(Value.self, from: theirs) == value, note, sourceLocation: sourceLocation)
        #expect(try JSONDecoder().decode(Value.self, from: Data(ours)) == value, note, sourceLocation: sourceLocation)
        #expect(try self.codec.encode(value) == ours, note, sourceLocation: sourceLocation)
        #expect(JSONGrammar.accepts(ours), note, sourceLocation: sourceLocation)
        let (left, right) = (try self.plain(ours), try self.plain(theirs))
        #expect(left == right, note, sourceLocation: sourceLocation)
    }

    /// The JSON with its numbers as doubles, which Foundation writes without `.0`, and arrays sorted, as sets are anyhow.
    private func plain(_ bytes: [UInt8]) throws -> StorageValue {
        func plain(_ value: StorageValue) throws -> StorageValue {
            switch value {
            case .integer(let number): return .number(Double(number))
            case .unsigned(let number): return .number(Double(number))
            case .array(let elements):
                let texts = try elements.map { String(decoding: try self.codec.encode(plain($0)), as: UTF8.self) }
                return .array(texts.sorted().map { .string($0) })
            case .object(let members): return .object(try members.mapValues(plain))
            default: return value
            }
        }
        return try plain(try self.codec.decode(StorageValue.self, from: bytes))
    }

    private struct Everything: Codable, Equatable {
        var bool: Bool
        var text: String
        var integers: [Int64]
        var small: Int8?
        var unsigned: UInt64
        var number: Double
        var float: Float?
        var nested: [Everything]
        var byName: [String: Int?]
        var byNumber: [Int: String]
        var id: UUID?
        var url: URL?
        var decimal: Decimal?
        var data: [UInt8]
        var shape: JSONContainerTests.Shape
        var tags: Set<String>
        var wide: Int128?

        static func random(depth: Int, _ random: inout SeededGenerator) -> Everything {
            func maybe<Value>(_ value: Value) -> Value? { Bool.random(using: &random) ? value : nil }
            func list<Value>(_ body: (inout SeededGenerator) -> Value) -> [Value] {
                (0..<Int.random(in: 0...4, using: &random)).map { _ in body(&random) }
            }
            return Everything(
                bool: .random(using: &random), text: StorageValue.text(&random),
                integers: list { .random(in: .min ... .max, using: &$0) },
                small: maybe(.random(in: .min ... .max, using: &random)),
                unsigned: .random(in: .min ... .max, using: &random), number: .random(in: -1e9...1e9, using: &random),
                float: maybe(.random(in: -1...1, using: &random)),
                nested: depth > 0 ? list { Everything.random(depth: depth - 1, &$0) } : [],
                byName: Dictionary(list { (StorageValue.text(&$0), Int.random(in: 0...9, using: &$0)) }) { $1 },
                byNumber: Dictionary(list { (Int.random(in: .min ... .max, using: &$0), StorageValue.text(&$0)) }) {
                    $1
                },
                id: maybe(UUID()),
                url: maybe(URL(string: "https://example.org/\(Int.random(in: 0...99, using: &random))?q=ü")).flatMap {
                    $0
                },
                decimal: maybe(Decimal(Int.random(in: 0...99999, using: &random)) / 1000),
                data: list { .random(in: .min ... .max, using: &$0) },
                shape: [.none, .circle(radius: 2.5), .labelled("l", 1), .group([.none])].randomElement(using: &random)
                    ?? .none,
                tags: Set(list { StorageValue.text(&$0) }),
                wide: maybe(Int128.random(in: .min ... .max, using: &random)))
        }
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func structs(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<15 { try self.check(Everything.random(depth: 2, &random), "seed \(seed)") }
    }

    @Test func fragments() throws {
        try self.check(1)
        try self.check("a/\u{1F600}\"\u{1}")
        try self.check(true)
        try self.check(nil as Int?)
        try self.check([nil, 1, 2] as [Int?])
        try self.check([[[]], [[1]]] as [[[Int]]])
        try self.check([1: [true], -5: []])
        try self.check(["": ["": ["": 1.5]]])
        try self.check(Set([UUID(), UUID()]))
        try self.check([UInt8](0...255))
        try self.check(["a": URL(string: "https://example.org")])
        try self.check(Decimal(string: "12345678901234567890.123456789"))
    }

    /// Writes itself by containers chosen at random.
    private struct Wild: Encodable {
        let value: StorageValue
        let seed: UInt64

        func encode(to encoder: any Encoder) throws {
            var random = SeededGenerator(seed: self.seed)
            switch self.value {
            case .array(let elements):
                var container = encoder.unkeyedContainer()
                for element in elements {
                    let inner = Wild(value: element, seed: random.next())
                    switch (element, Int.random(in: 0..<3, using: &random)) {
                    case (.array(let parts), 0):
                        var nested = container.nestedUnkeyedContainer()
                        for part in parts { try nested.encode(Wild(value: part, seed: random.next())) }
                    case (.object(let members), 0):
                        var nested = container.nestedContainer(keyedBy: JSONLifetimeTests.DynamicKey.self)
                        for (name, part) in members {
                            try nested.encode(Wild(value: part, seed: random.next()), forKey: .init(stringValue: name))
                        }
                    case (_, 1): try inner.encode(to: container.superEncoder())
                    default: try container.encode(inner)
                    }
                }
            case .object(let members):
                var container = encoder.container(keyedBy: JSONLifetimeTests.DynamicKey.self)
                var later: [(any Encoder, Wild)] = []
                for (name, member) in members {
                    let key = JSONLifetimeTests.DynamicKey(stringValue: name)
                    let inner = Wild(value: member, seed: random.next())
                    switch (member, Int.random(in: 0..<4, using: &random)) {
                    case (.array(let parts), 0):
                        var nested = container.nestedUnkeyedContainer(forKey: key)
                        for part in parts { try nested.encode(Wild(value: part, seed: random.next())) }
                    case (_, 1): try inner.encode(to: container.superEncoder(forKey: key))
                    case (_, 2): later.append((container.superEncoder(forKey: key), inner))
                    default: try container.encode(inner, forKey: key)
                    }
                }
                for (encoder, inner) in later.reversed() { try inner.encode(to: encoder) }
            default:
                var container = encoder.singleValueContainer()
                try container.encode(self.value)
            }
        }
    }

    @Test("Containers asked for in any order", arguments: [5, 6, 7] as [UInt64])
    func containers(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<60 {
            let value = StorageValue.random(depth: 5, &random)
            let wild = Wild(value: value, seed: random.next())
            let note: Comment = "seed \(seed): \(value)"
            let ours = try self.codec.encode(wild)
            #expect(JSONGrammar.accepts(ours), note)
            #expect(try self.codec.decode(StorageValue.self, from: ours) == value, note)
            #expect(try self.plain(ours) == self.plain(self.foundationBytes(wild)), note)
        }
    }

    @Test(
        "What only looks like the value is refused by both",
        arguments: [
            "null", "true", "1", "1.5", "-1", "256", "\"\"", "\"a\"", "[]", "[1]", "{}", "{\"a\":1}", "{\"a\":null}",
            "[null]", "\"AQ==\"",
            "[\"a\"]", "{\"1\":1}", "3e2", "1e400", "\"2026-01-01T00:00:00Z\"", "[[1]]", "{\"a\":{\"b\":1}}",
        ])
    func mismatches(_ text: String) {
        func same<Value: Codable & Equatable>(_ type: Value.Type) {
            let ours = try? self.codec.decode(type, from: Array(text.utf8))
            let theirs = try? JSONDecoder().decode(type, from: Data(text.utf8))
            #expect(ours == theirs, "\(text) as \(type)")
        }
        same(Bool.self)
        same(Int.self)
        same(UInt8.self)
        same(Double.self)
        same(Float.self)
        same(String.self)
        same(Int?.self)
        same([Int].self)
        same([Int?].self)
        same([String].self)
        same([[Int]].self)
        same([String: Int].self)
        same([String: Int?].self)
        same([Int: Int].self)
        same([String: [String: Int]].self)
        same(Data.self)
        same(URL.self)
        same(UUID.self)
        same(Decimal.self)
        same(Set<Int>.self)
        same(JSONContainerTests.Shape.self)
    }
}
