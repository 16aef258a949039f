import Foundation
import KVStorage
import Testing

@Suite struct JSONStorageCodecTests {
    private struct Sample: Codable, Equatable {
        enum Kind: String, Codable { case first, second }

        var name: String
        var kind: Kind
        var date: Date
        var data: Data
        var url: URL?
        var numbers: [Double]
        var nested: [String: [Int?]]
        var integer: Int64
        var unsigned: UInt64
    }

    private let codec = JSONStorageCodec()

    @Test func valuesComeBack() throws {
        let sample = Sample(
            name: "a/b \"c\" \u{1F600} e\u{301} \u{0}",
            kind: .second,
            date: Date(timeIntervalSinceReferenceDate: 801_576_000.123_456),
            data: Data(0...255),
            url: URL(string: "https://example.org/a?b=c"),
            numbers: [0.1, -0.0, 1e308, .leastNonzeroMagnitude, .pi, 1e15],
            nested: ["": [nil, 1], "x": []],
            integer: .min,
            unsigned: .max
        )
        let bytes = try self.codec.encode(sample)
        #expect(try self.codec.decode(Sample.self, from: bytes) == sample)
        #expect(String(decoding: bytes, as: UTF8.self).contains("a/b"), "slashes are not escaped")
    }

    @Test func fragmentsComeBack() throws {
        #expect(try self.codec.encode(1) == Array("1".utf8))
        #expect(try self.codec.encode(true) == Array("true".utf8))
        #expect(try self.codec.encode(nil as Int?) == Array("null".utf8))
        #expect(try self.codec.decode(Int.self, from: Array(" 12 ".utf8)) == 12)
        #expect(try self.codec.decode(Int?.self, from: Array("null".utf8)) == .some(nil))
        #expect(try self.codec.decode(Int.self, from: self.codec.encode(Int.max)) == Int.max)
    }

    @Test func datesAreText() throws {
        let bytes = try self.codec.encode(Date(timeIntervalSinceReferenceDate: 0.5))
        #expect(String(decoding: bytes, as: UTF8.self) == "\"2001-01-01T00:00:00.5Z\"")
    }

    @Test(arguments: [Double.nan, .infinity, -.infinity])
    func refusesWhatJSONCannotExpress(_ number: Double) {
        #expect(throws: (any Error).self) { try self.codec.encode(number) }
        #expect(throws: (any Error).self) { try self.codec.encode(["a": [number]]) }
        #expect(throws: (any Error).self) { try self.codec.encode(Date(timeIntervalSinceReferenceDate: number)) }
    }

    @Test(arguments: ["", "{", "[1,]", "{'a':1}", "01", "nul", "1 2", "\"\u{1}\"", "\u{FEFF}x"])
    func refusesWhatIsNoJSON(_ text: String) {
        #expect(throws: (any Error).self) { try self.codec.decode([String: Int].self, from: Array(text.utf8)) }
    }
}
