import KVStorageTesting
import Testing

@testable import KVStorage

@Suite(.timeLimit(.minutes(5))) struct ListingProgressTests {
    @Test(arguments: KeyBytesTests.joining)
    func listsBelowAKeyThatJoinsItsColon(_ scalar: UInt32) async throws {
        let base = "x" + String(try #require(Unicode.Scalar(scalar)))
        for driver in [MemoryDriver() as any StorageDriver, MinimalDriver(), try OverlayDriver([MemoryDriver()])] {
            let storage = driver.makeStorage()
            for key in ["a", "xa", "xb", "y", "\(base)z", "\(base):k", "\(base):l:m"] {
                try await storage.setItem(key, 1)
            }
            #expect(try await storage.getKeys(base).count == 2)
            #expect(try await storage.getKeys("", maxDepth: 0).count == 5)
            #expect(try await storage.getKeys(base, maxDepth: 1) == ["\(base):k"])
            #expect(try await storage.prefixed(base).getKeys("", maxDepth: 0) == ["k"])
            #expect(try await storage.snapshot(base).items.count == 2)
            let events = try await storage.watch(base)
            #expect(try await storage.clear(base) == 2)
            var iterator = events.makeAsyncIterator()
            #expect(try await iterator.next()?.key?.utf8.starts(with: base.utf8) == true)
            #expect(try await storage.getKeys().count == 5)
        }
    }

    /// Its pages follow the cursors that a test gives, round and round.
    private struct Circling: StorageDriver {
        let name = "circling"
        let capabilities = Capabilities()
        let circle: [String]
        var leadIn = 0

        func getItem(_ key: String) async throws(StorageError) -> [UInt8]? { [1] }
        func setItem(_ key: String, _ value: [UInt8], _ options: WriteOptions) async throws(StorageError) {}
        func removeItem(_ key: String) async throws(StorageError) -> Bool { true }
        func touchItem(_ key: String, ttl: TTL) async throws(StorageError) -> Bool { true }
        func getEntries(_ keys: [String]) async throws(StorageError) -> [Entry?] {
            keys.map { _ in Entry(value: [1], meta: ItemMeta()) }
        }
        func dispose() async throws(StorageError) {}

        func compareAndSwapItem(
            _ key: String, expected: [UInt8]?, replacement: [UInt8]?, _ options: WriteOptions
        ) async throws(StorageError) -> CompareAndSwapResult { .swapped }

        func getKeys(_ query: KeyQuery) async throws(StorageError) -> KeyPage {
            guard let cursor = query.cursor else { return KeyPage(keys: ["a"], cursor: self.circle[0]) }
            let index = self.circle.firstIndex { keysEqual($0, cursor) } ?? 0
            let next = index + 1 < self.circle.count ? index + 1 : self.leadIn
            return KeyPage(keys: ["a", "b"], cursor: self.circle[next])
        }
    }

    @Test(arguments: [1, 2, 3, 7, 100], [0, 1, 5])
    func aListingThatGoesRoundThrows(_ length: Int, _ leadIn: Int) async throws {
        let driver = Circling(circle: (0..<(length + leadIn)).map { "cursor\($0)" }, leadIn: leadIn)
        let storage = Storage(driver)
        let reads: [@Sendable () async throws -> Void] = [
            { _ = try await storage.getKeys() },
            { _ = try await storage.snapshot() },
            { for try await _ in storage.keys() {} },
        ]
        for call in reads {
            let error = await #expect(throws: StorageError.self) { try await call() }
            #expect(error?.code == .corrupted)
            #expect(error?.message.contains("circling") == true)
        }
        let writes: [@Sendable () async throws -> Void] = [
            { _ = try await storage.copy("", to: Storage()) },
            { _ = try await driver.clear("") },
            { _ = try await storage.clear() },
        ]
        for call in writes {
            let error = await #expect(throws: StorageError.self) { try await call() }
            #expect(error?.code == .partlyDone, "some were copied or removed before")
            #expect((error?.underlying as? StorageError)?.code == .corrupted)
        }
    }

    @Test func manyPagesAreNoCircle() async throws {
        let storage = Storage()
        try await storage.setItems((0..<500).map { ("k\($0)", $0) })
        var count = 0
        for try await _ in storage.keys(pageSize: 1) { count += 1 }
        #expect(count == 500)
    }
}

extension StorageDriver {
    /// A storage over the driver, whatever its type.
    func makeStorage() -> Storage { Storage(self) }
}
