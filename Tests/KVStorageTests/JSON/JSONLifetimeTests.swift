import KVStorage
import Testing

/// Containers that a type keeps, asks for in the wrong order or uses wrongly.
@Suite("JSON: kept and misused containers") struct JSONLifetimeTests {
    private let codec = JSONStorageCodec()

    private struct Kept: Decodable {
        let decoder: any Decoder

        init(from decoder: any Decoder) { self.decoder = decoder }
    }

    private struct Point: Codable, Equatable {
        var x: Int
        var name: String
    }

    @Test func aDecoderCanBeKept() throws {
        var kept: [Kept] = []
        for number in 0..<100 {
            let text = #"{"list":[{"x":\#(number),"name":"the name of number \#(number)"}]}"#
            kept.append(
                try self.codec.decode([String: [Kept]].self, from: Array(text.utf8))["list"]?.first
                    ?? { throw Wrong() }())
        }
        for (number, element) in kept.enumerated() {
            #expect(try Point(from: element.decoder) == Point(x: number, name: "the name of number \(number)"))
            #expect(element.decoder.codingPath.map(\.stringValue) == ["list", "Index 0"])
        }
    }

    private struct Wrong: Error {}

    private final class Box: @unchecked Sendable {
        // One test's own, and one task's.
        var encoders: [any Encoder] = []
    }

    private struct Keeping: Encodable {
        let box: Box

        func encode(to encoder: any Encoder) throws {
            self.box.encoders.append(encoder)
            var container = encoder.singleValueContainer()
            try container.encode(1)
        }
    }

    @Test func anEncoderThatIsUsedLaterThrows() throws {
        let box = Box()
        #expect(try self.codec.encode([Keeping(box: box), Keeping(box: box)]) == Array("[1,1]".utf8))
        #expect(try self.codec.encode(Keeping(box: box)) == Array("1".utf8))
        for encoder in box.encoders {
            var single = encoder.singleValueContainer()
            #expect(throws: EncodingError.self) { try single.encode("x") }
            #expect(throws: EncodingError.self) { try single.encode([1, 2]) }
            var list = encoder.unkeyedContainer()
            _ = list.count
            try? list.encode(String(repeating: "long ", count: 1000))
            var object = encoder.container(keyedBy: JSONContainerTests.Key.self)
            try? object.encode(1, forKey: .a)
            _ = encoder.codingPath
        }
    }

    /// Calls the closure as its coding.
    struct Custom: Encodable {
        let body: (any Encoder) throws -> Void

        func encode(to encoder: any Encoder) throws { try self.body(encoder) }
    }

    private func text(_ body: @escaping (any Encoder) throws -> Void) throws -> String {
        let custom = Custom(body: body)
        let text = String(decoding: try self.codec.encode(custom), as: UTF8.self)
        #expect(String(decoding: try self.codec.encode([custom]), as: UTF8.self) == "[\(text)]")
        return text
    }

    private typealias Key = JSONContainerTests.Key

    @Test func nothing() throws {
        let error = #expect(throws: EncodingError.self) { try self.codec.encode(Custom { _ in }) }
        #expect("\(error as Any)".contains("encoded nothing"))
        #expect(try self.codec.encode([Custom { _ in }]) == Array("[{}]".utf8))
        #expect(try self.codec.encode(["a": Custom { _ in }]) == Array(#"{"a":{}}"#.utf8))
        #expect(try self.text { _ = $0.container(keyedBy: Key.self) } == "{}")
        #expect(try self.text { _ = $0.unkeyedContainer() } == "[]")
        #expect(
            try self.text {
                var container = $0.container(keyedBy: Key.self)
                _ = container.superEncoder()
                _ = container.superEncoder(forKey: .a)
                _ = container.nestedUnkeyedContainer(forKey: .b)
            } == #"{"super":{},"a":{},"b":[]}"#)
    }

    @Test func anErrorThatIsCaughtLeavesNothing() throws {
        #expect(
            try self.text {
                var container = $0.container(keyedBy: Key.self)
                do { try container.encode([1, Double.nan], forKey: .a) } catch { try container.encode("a", forKey: .a) }
                do { try container.encode(Double.infinity, forKey: .b) } catch { try container.encodeNil(forKey: .b) }
                var list = container.nestedUnkeyedContainer(forKey: .c)
                do { try list.encode(["x": Double.nan]) } catch { try list.encode(2) }
                try? list.encode(Float.nan)
                guard list.count == 1 else { throw Wrong() }
            } == #"{"a":"a","b":null,"c":[2]}"#)
        #expect(
            try self.text {
                var single = $0.singleValueContainer()
                do { try single.encode(Double.nan) } catch { try single.encode("NaN") }
            } == #""NaN""#)
        // What is put in its place later stays when what follows it fails.
        #expect(
            try self.text {
                var container = $0.container(keyedBy: Key.self)
                var list = container.nestedUnkeyedContainer(forKey: .a)
                try? container.encode(Double.nan, forKey: .b)
                try list.encode(1)
            } == #"{"a":[1]}"#)
    }

    @Test func theLastOfMembersWithTheSameNameCounts() throws {
        #expect(
            try self.text {
                var container = $0.container(keyedBy: Key.self)
                try container.encode(1, forKey: .a)
                try container.encode(2, forKey: .b)
                try container.encode([3], forKey: .a)
            } == #"{"b":2,"a":[3]}"#)
        #expect(
            try self.text {
                var container = $0.container(keyedBy: Key.self)
                var first = container.nestedContainer(keyedBy: Key.self, forKey: .a)
                try container.encode(0, forKey: .b)
                var again = container.nestedContainer(keyedBy: Key.self, forKey: .a)
                try again.encode(2, forKey: .b)
                try first.encode(1, forKey: .a)
                var other = container.nestedUnkeyedContainer(forKey: .b)
                try other.encode(3)
            } == #"{"a":{"b":2,"a":1},"b":[3]}"#)
        #expect(
            try self.text {
                var container = $0.container(keyedBy: Key.self)
                var last = container.nestedUnkeyedContainer(forKey: .a)
                var again = container.nestedUnkeyedContainer(forKey: .a)
                try last.encode(1)
                try again.encode(2)
            } == #"{"a":[1,2]}"#)
        // Among many members too, which are found otherwise.
        let names = (0..<300).map { DynamicKey(stringValue: "name \($0)") }
        #expect(
            try self.text {
                var container = $0.container(keyedBy: DynamicKey.self)
                for (number, name) in (names + names).enumerated() { try container.encode(number, forKey: name) }
            } == "{" + names.enumerated().map { "\"\($1.stringValue)\":\($0 + 300)" }.joined(separator: ",") + "}")
    }

    struct DynamicKey: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }

        init?(intValue: Int) { nil }
    }

    @Test func misuseThrows() throws {
        let misuses: [(any Encoder) throws -> Void] = [
            { encoder in
                _ = encoder.container(keyedBy: Key.self)
                _ = encoder.unkeyedContainer()
            },
            { encoder in
                var single = encoder.singleValueContainer()
                try single.encode(1)
                try single.encode(2)
            },
            { encoder in
                var outer = encoder.unkeyedContainer()
                // Within a value of its own.
                try outer.encode(
                    Custom { _ in
                        var again = encoder.unkeyedContainer()
                        try again.encode(1)
                    })
            },
        ]
        for misuse in misuses {
            #expect(throws: EncodingError.self) { try self.codec.encode(Custom(body: misuse)) }
            #expect(throws: EncodingError.self) { try self.codec.encode(["a": Custom(body: misuse)]) }
        }
    }

    private final class Cycle: Encodable {
        enum CodingKeys: CodingKey { case next }

        // One test's own.
        nonisolated(unsafe) var next: Cycle?

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encodeIfPresent(self.next, forKey: .next)
        }
    }

    @Test func aCycleEndsAtTheDepthLimit() throws {
        let cycle = Cycle()
        cycle.next = cycle
        defer { cycle.next = nil }
        let error = #expect(throws: EncodingError.self) { try self.codec.encode(cycle) }
        #expect("\(error as Any)".contains("deeper than 512 levels"))
    }
}
