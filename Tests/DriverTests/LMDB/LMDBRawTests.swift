import KVStorage
import KVStorageLMDB
import KVStorageTesting
import Testing

@Suite("LMDB: reading without a copy", .timeLimit(.minutes(5)))
struct LMDBRawTests {
    struct Refusal: Error, Equatable {
        let number: Int
    }

    let folder: TemporaryFolder
    let clock = ManualClock()

    init() throws {
        self.folder = try TemporaryFolder()
    }

    private func driver() throws -> LMDBDriver {
        try LMDBDriver(path: self.folder.path, configuration: lmdbConfiguration { $0.clock = self.clock })
    }

    @Test("The body sees the item's bytes, without what the driver keeps beside them", arguments: [0, 3, 100_000])
    func bytesOfItem(count: Int) async throws {
        let driver = try self.driver()
        let value = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
        try await driver.setItem("key", value, WriteOptions(ttl: .seconds(5)))
        #expect(try await driver.setMeta("key", [1, 2, 3]))
        let seen = try await driver.withItemRaw("key") { span in
            (0..<span.byteCount).map { span.unsafeLoad(fromByteOffset: $0, as: UInt8.self) }
        }
        #expect(seen == value)
        #expect(try await driver.withItemRaw("none") { $0.byteCount } == nil)
        self.clock.advance(by: .seconds(5))
        #expect(try await driver.withItemRaw("key") { $0.byteCount } == nil)
        try await driver.dispose()
        await #expect(throws: StorageError.self) { try await driver.withItemRaw("key") { $0.byteCount } }
    }

    @Test("What the body throws passes through unchanged, and reading goes on")
    func throwing() async throws {
        let driver = try self.driver()
        try await driver.set("key", "value")
        for number in 0..<100 {
            await #expect(throws: Refusal(number: number)) {
                try await driver.withItemRaw("key") { _ in throw Refusal(number: number) }
            }
        }
        #expect(try await driver.text("key") == "value")
        try await driver.dispose()
    }

    @Test("The bytes stay as they were while others write")
    func snapshot() async throws {
        let driver = try self.driver()
        try await driver.setItem("key", [UInt8](repeating: 0, count: 3000), WriteOptions())
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for round in 1...200 {
                    let value = [UInt8](repeating: UInt8(truncatingIfNeeded: round), count: 3000)
                    try await driver.setItem("key", value, WriteOptions())
                }
            }
            for _ in 0..<2 {
                group.addTask {
                    for _ in 0..<500 {
                        let isWhole = try await driver.withItemRaw("key") { span in
                            let first = span.unsafeLoad(fromByteOffset: 0, as: UInt8.self)
                            return (0..<span.byteCount).allSatisfy {
                                span.unsafeLoad(fromByteOffset: $0, as: UInt8.self) == first
                            }
                        }
                        #expect(isWhole == true)
                    }
                }
            }
            try await group.waitForAll()
        }
        try await driver.dispose()
    }
}
