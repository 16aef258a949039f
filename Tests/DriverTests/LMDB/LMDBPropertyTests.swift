import KVStorage
import KVStorageTesting
import Testing

@testable import KVStorageLMDB

@Suite("LMDB: any key", .timeLimit(.minutes(5)))
struct LMDBPropertyTests {
    let folder: TemporaryFolder

    init() throws {
        self.folder = try TemporaryFolder(inMemory: true)
    }

    @Test("100,000 random keys of 1 to 511 bytes go in and are listed exactly, in their order", arguments: [4])
    func keys(seed: UInt64) async throws {
        let driver = try LMDBDriver(
            path: self.folder.path,
            configuration: lmdbConfiguration {
                $0.durability = .unflushed
                $0.initialSize = 64 << 10
            }
        )
        var random = SplitMix(state: seed)
        var values: [[UInt8]: [UInt8]] = [:]
        while values.count < 100_000 {
            values[Self.key(&random)] = [UInt8(truncatingIfNeeded: values.count)]
        }
        #expect(Set(values.keys.map(\.count)) == Set(1...511))
        let all = Array(values)
        for start in stride(from: 0, to: all.count, by: 1000) {
            let mutations = all[start..<start + 1000].map { key, value in
                Mutation.set(key: String(decoding: key, as: UTF8.self), value: value, options: WriteOptions())
            }
            _ = try await driver.apply(mutations)
        }
        let listed = try await driver.allKeys()
        // Not in the expectation itself, which would print all of them.
        let sorted = values.keys.sorted { $0.lexicographicallyPrecedes($1) }
        let difference = zip(listed, sorted).first { key, bytes in !key.utf8.elementsEqual(bytes) }
        #expect(difference?.0 == nil)
        try #require(listed.count == sorted.count)
        for start in stride(from: 0, to: listed.count, by: 1000) {
            let keys = Array(listed[start..<start + 1000])
            let areRight = try await driver.getItems(keys) == keys.map { values[Array($0.utf8)] }
            #expect(areRight, "from \(start)")
        }
        #expect(try await driver.clear("") == 100_000)
        #expect(try await driver.storedCounts() == [0, 0])
        try await driver.dispose()
    }

    /// Any scalar that keys may have where it stands, those that mean something in a path more often; each length comes often
    /// enough to be met.
    private static func key(_ random: inout SplitMix) -> [UInt8] {
        // Most are as short as keys are, or it would be megabytes of noise.
        let length = Int(random.next() % (random.next().isMultiple(of: 4) ? 511 : 24)) + 1
        var key: [UInt8] = []
        while key.count < length {
            let number = random.next()
            let scalar =
                if number.isMultiple(of: 8) {
                    self.awkward[Int(number >> 8) % self.awkward.count]
                } else {
                    // Half of ASCII, a quarter of the basic plane, a quarter of all planes; no surrogate.
                    Unicode.Scalar(UInt32(truncatingIfNeeded: number >> 8) % self.bounds[Int(number >> 4) & 3]) ?? "a"
                }
            guard self.isAllowed(scalar, behind: key, length), key.count + UTF8.width(scalar) <= length else {
                continue
            }
            key += UTF8.encode(scalar).map(Array.init) ?? []
        }
        return key
    }

    /// Other keys are not in the normal form: the driver is never asked for them, and does not list them.
    private static func isAllowed(_ scalar: Unicode.Scalar, behind key: [UInt8], _ length: Int) -> Bool {
        let isLast = key.count + 1 == length
        return switch scalar {
        case "\0", "?", "/", "\\": false
        case ":": !key.isEmpty && key.last != UInt8(ascii: ":") && !isLast
        case "$": !isLast
        default: true
        }
    }

    private static let bounds: [UInt32] = [0x80, 0x80, 0x1_0000, 0x11_0000]
    private static let awkward: [Unicode.Scalar] = [":", ".", ";", "%", "$", "*", "\u{1}", "\u{301}", "\u{FFFD}"]
}
