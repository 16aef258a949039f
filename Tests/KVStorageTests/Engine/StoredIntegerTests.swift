import Testing

@testable import KVStorage

@Suite struct StoredIntegerTests {
    @Test func addsToDecimalText() throws {
        #expect(try StoredInteger.increment(nil, by: 5, key: "k").sum == 5)
        let (sum, bytes) = try StoredInteger.increment(Array("-12".utf8), by: 2, key: "k")
        #expect(sum == -10)
        #expect(bytes == Array("-10".utf8))
        #expect(try StoredInteger.increment(Array("\(Int.max)".utf8), by: 0, key: "k").sum == .max)
    }

    @Test(arguments: [
        "", " ", "1.0", "1e3", "0x1", "a", "9223372036854775808", "-", "1 ", "\u{661}", "+5", "007", "00", "-0", "-07",
        "--1", "1_0",
    ])
    func refusesOtherText(_ text: String) {
        let error = #expect(throws: StorageError.self) {
            try StoredInteger.increment(Array(text.utf8), by: 1, key: "k")
        }
        #expect(error?.code == .decoding)
        #expect(error?.key == "k")
    }

    @Test(arguments: [(Int.max, 1), (Int.min, -1), (-1, Int.min), (1, Int.max)])
    func refusesToOverflow(_ current: Int, _ amount: Int) {
        let error = #expect(throws: StorageError.self) {
            try StoredInteger.increment(Array("\(current)".utf8), by: amount, key: "k")
        }
        #expect(error?.code == .overflow)
    }
}
