import Foundation
import KVStorage
import KVStorageTesting
import Testing

/// The same value has the same bytes.
@Suite("JSON: order") struct JSONOrderTests {
    private let codec = JSONStorageCodec()

    private func text(_ value: some Encodable) throws -> String {
        String(decoding: try self.codec.encode(value), as: UTF8.self)
    }

    private struct Three: Codable {
        var status = 1
        var text = "a"
        var message = "b"
        var more = 2
        var absent: Int?
    }

    private enum Color: String, Codable, CodingKeyRepresentable { case red, green }

    private struct Name: RawRepresentable, Codable, Hashable { var rawValue: String }

    private struct Wrapper: Encodable {
        var values: [String: Int]

        func encode(to encoder: any Encoder) throws { try self.values.encode(to: encoder) }
    }

    @Test func membersAreInTheOrderOfTheirDeclaration() async throws {
        #expect(try self.text(Three()) == #"{"status":1,"text":"a","message":"b","more":2}"#)
        let storage = Storage()
        try await storage.setItem("k", Three())
        let expected = try self.codec.encode(Three())
        let isSwapped = try await storage.compareAndSwapItem("k", expected: expected, replacement: [1])
        #expect(isSwapped)
    }

    @Test func dictionariesAreSortedByTheBytesOfTheirNames() throws {
        let names = [
            "b", "a", "", "aa", "a!", "a\"", "a#", "a\\", "é", "e\u{301}", "z", "A", "10", "9", "\u{1}", "\u{1F600}",
            "\u{FFFD}",
        ]
        let dictionary = Dictionary(names.map { ($0, 1) }) { $1 }
        let sorted = dictionary.keys.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }
        func expected(_ value: String) throws -> String {
            "{" + (try sorted.map { "\(try self.text([$0]).dropFirst().dropLast()):\(value)" }.joined(separator: ","))
                + "}"
        }
        #expect(try self.text(dictionary) == expected("1"))
        #expect(try self.text([dictionary]) == "[\(try expected("1"))]")
        #expect(try self.text(Wrapper(values: dictionary)) == expected("1"), "also behind a type of one's own")
        #expect(
            try self.text(dictionary.mapValues { _ in ["x": [1, nil]] as [String: [Int?]] })
                == expected(#"{"x":[1,null]}"#))
        #expect(try self.text(dictionary.mapValues { _ in StorageValue.null }) == expected("null"))
        let dynamic = StorageValue.object(dictionary.mapValues { .integer(Int64($0)) })
        #expect(try self.text(dynamic) == expected("1"))
        #expect(try self.codec.decode([String: Int].self, from: self.codec.encode(dictionary)) == dictionary)
    }

    @Test func otherKeys() throws {
        #expect(try self.text([10: 1, 9: 2, -1: 3]) == #"{"-1":3,"10":1,"9":2}"#)
        #expect(try self.codec.decode([Int: Int].self, from: Array(#"{"9":2,"10":1}"#.utf8)) == [9: 2, 10: 1])
        #expect(try self.text([Color.red: 1, .green: 2]) == #"{"green":2,"red":1}"#)
        #expect(
            try self.codec.decode([Color: Int].self, from: Array(#"{"green":2,"red":1}"#.utf8)) == [.red: 1, .green: 2])
        let ids = ["00000000-0000-0000-0000-00000000000A", "00000000-0000-0000-0000-00000000000B"].compactMap(UUID.init)
        let byID = [ids[1]: "b", ids[0]: "a"]
        #expect(try self.text(byID) == "[\"\(ids[0])\",\"a\",\"\(ids[1])\",\"b\"]")
        #expect(try self.codec.decode([UUID: String].self, from: self.codec.encode(byID)) == byID)
        let byName = [Name(rawValue: "y"): [1: 1], Name(rawValue: "x"): [:]]
        #expect(try self.text(byName) == #"["x",{},"y",{"1":1}]"#)
        #expect(try self.codec.decode([Name: [Int: Int]].self, from: self.codec.encode(byName)) == byName)
    }

    @Test func setsAreSortedByTheBytesOfTheirElements() throws {
        #expect(try self.text(Set([3, 20, 1])) == "[1,20,3]")
        #expect(try self.text(["s": Set(["b", "a", "\"", "c,d"])]) == #"{"s":["\"","a","b","c,d"]}"#)
        #expect(try self.text(Set([Set([2, 1]), Set([0])])) == "[[0],[1,2]]")
        #expect(try self.text(Set<Int>()) == "[]")
        #expect(try self.text([Set([2, 1])] as Set<Set<Int>>?) == "[[1,2]]")
    }

    /// Its own containers, which are put in their places when it ends.
    private struct Nesting: Encodable, Hashable {
        enum Key: CodingKey { case list, last }

        var number: Int

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Key.self)
            var list = container.nestedUnkeyedContainer(forKey: .list)
            try container.encode(Set([30, self.number]), forKey: .last)
            try list.encode(self.number)
        }
    }

    @Test func whatIsWrittenLaterIsSortedToo() throws {
        #expect(
            try self.text(Set([Nesting(number: 2), Nesting(number: 1)]))
                == #"[{"list":[1],"last":[1,30]},{"list":[2],"last":[2,30]}]"#)
        #expect(
            try self.text(["b": Nesting(number: 2), "a": Nesting(number: 1)])
                == #"{"a":{"list":[1],"last":[1,30]},"b":{"list":[2],"last":[2,30]}}"#)
    }

    @Test("however a dictionary or set came to be, its bytes are the same", arguments: [7] as [UInt64])
    func history(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for count in [2, 5, 33, 200] {
            let keys = (0..<count).map { "key \($0 * 7919)" }
            var bytes: Set<[UInt8]> = []
            var setBytes: Set<[UInt8]> = []
            for round in 0..<8 {
                // The order within depends on the capacity and on what was inserted first.
                var dictionary = [String: [String: Int]](minimumCapacity: round * 100)
                var set = Set<String>(minimumCapacity: round * 100)
                for key in keys.shuffled(using: &random) {
                    dictionary[key] = [key: count, "a": 1]
                    set.insert(key)
                }
                bytes.insert(try self.codec.encode(dictionary))
                setBytes.insert(try self.codec.encode(["set": set]))
            }
            #expect(bytes.count == 1 && setBytes.count == 1, "seed \(seed)")
        }
    }
}
