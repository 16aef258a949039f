import KVStorage
import KVStorageTesting
import Testing

/// Random calls, compared with a dictionary that is searched in full.
@Suite struct MemoryModelTests {
    struct Item {
        var value: [UInt8]
        var deadline: Timestamp?
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func behavesAsADictionary(seed: UInt64) async throws {
        var random = Generator(state: seed)
        let clock = ManualClock()
        let driver = MemoryDriver(.init(clock: clock))
        let keys = Self.keys(&random)
        // By bytes: a precomposed and a decomposed é are two keys.
        var model: [[UInt8]: Item] = [:]
        for step in 0..<6000 {
            let key = try #require(keys.randomElement(using: &random))
            let bytes = Array(key.utf8)
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<4:
                let value = (0..<Int.random(in: 0..<40, using: &random)).map { UInt8($0) }
                let ttl: Duration? =
                    Bool.random(using: &random) ? .seconds(Int.random(in: 1..<50, using: &random)) : nil
                try await driver.setItem(key, value, WriteOptions(ttl: ttl.map(TTL.after) ?? .forever))
                model[bytes] = Item(value: value, deadline: ttl.map { clock.now.advanced(by: $0) })
            case 4..<6:
                #expect(try await driver.removeItem(key) == (model.removeValue(forKey: bytes) != nil))
            case 6:
                clock.advance(by: .seconds(1))
                let now = clock.now
                model = model.filter { $0.value.deadline.map { $0 > now } ?? true }
            default:
                #expect(try await driver.getItem(key) == model[bytes]?.value)
            }
            guard step % 500 == 499 else { continue }
            let expected = model.keys.sorted { $0.lexicographicallyPrecedes($1) }
            for limit in [1, 3, 64, 1000] {
                let listed = try await Self.list(driver, limit: limit)
                #expect(listed.map { Array($0.utf8) } == expected, "in pages of \(limit)")
            }
        }
        #expect(!model.isEmpty)
    }

    /// Keys that fit into a record of the store and keys that don't, at the limit between them too, and pairs that are
    /// canonically equivalent.
    private static func keys(_ random: inout Generator) -> [String] {
        let lengths = Array(1...70) + [255, 4000]
        let long = lengths.map { length in
            String((0..<length).map { _ in "abcxyz".randomElement(using: &random) ?? "a" })
        }
        let many = (0..<300).map { "user:\($0):profile" }
        return long + many + ["caf\u{E9}", "cafe\u{301}", "\u{C5}:1", "\u{212B}:1", "日本語", "🙂:🙃"]
    }

    private static func list(_ driver: MemoryDriver, limit: Int) async throws -> [String] {
        var keys: [String] = []
        var query = KeyQuery(limit: limit)
        repeat {
            let page = try await driver.getKeys(query)
            #expect(page.keys.count <= limit)
            keys += page.keys
            query.cursor = page.cursor
        } while query.cursor != nil
        return keys
    }
}

/// Numbers that are the same for the same seed (splitmix64).
private struct Generator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = self.state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
