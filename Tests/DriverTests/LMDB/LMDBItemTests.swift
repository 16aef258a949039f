import KVStorage
import KVStorageTesting
import Testing

@testable import KVStorageLMDB

@Suite("LMDB: items", .timeLimit(.minutes(5)))
struct LMDBItemTests {
    let folder: TemporaryFolder
    let clock = ManualClock()

    init() throws {
        self.folder = try TemporaryFolder()
    }

    private func driver(_ change: (inout LMDBDriver.Configuration) -> Void = { _ in }) throws -> LMDBDriver {
        try LMDBDriver(
            path: self.folder.path,
            configuration: lmdbConfiguration {
                $0.clock = self.clock
                $0.durability = .unflushed
                change(&$0)
            }
        )
    }

    @Test(
        "Bytes come back as they were set, with metadata and a lifetime around them",
        arguments: [0, 1, 1999, 2100, 5_000_000])
    func roundTrip(count: Int) async throws {
        let driver = try self.driver()
        let value = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        try await driver.setItem("key", value, WriteOptions())
        #expect(try await driver.getItem("key") == value)
        #expect(try await driver.setMeta("key", bytes("{\"a\":1}")))
        #expect(try await driver.touchItem("key", ttl: .seconds(5)))
        #expect(try await driver.getItem("key") == value)
        let meta = try await driver.getMeta("key")
        #expect(meta?.size == count)
        #expect(meta?.fieldBytes == bytes("{\"a\":1}"))
        #expect(meta?.ttl == .seconds(5))
        #expect(try await driver.setMeta("key", nil))
        #expect(try await driver.getMeta("key")?.fieldBytes == nil)
        #expect(try await driver.setMeta("key", []))
        #expect(try await driver.getMeta("key")?.fieldBytes == [])
        #expect(try await driver.takeItem("key") == value)
        #expect(try await driver.getItem("key") == nil)
        #expect(try await driver.storedCounts() == [0, 0])
        try await driver.dispose()
    }

    @Test("A key of 511 bytes is stored, with a lifetime too; one more is refused by every call, naming the limit")
    func keyLength() async throws {
        let driver = try self.driver()
        let longest = String(repeating: "k", count: 509) + "é"
        let other = String(repeating: "k", count: 509) + "è"
        for key in [longest, other] { try await driver.set(key, "value", ttl: .seconds(5)) }
        #expect(try await driver.text(longest) == "value")
        #expect(try await driver.storedCounts() == [2, 2])
        #expect(try await driver.touchItem(longest, ttl: .seconds(50)))
        let events = try recordedEvents(of: driver)
        self.clock.advance(by: .seconds(5))
        for await event in events {
            #expect(event == .remove(other, .expired))
            break
        }
        #expect(try await driver.storedCounts() == [1, 1])

        let long = longest + "k"
        let options = WriteOptions()
        await self.expectTooLong(long) { () throws(StorageError) in _ = try await driver.getItem(long) }
        await self.expectTooLong(long) { () throws(StorageError) in _ = try await driver.hasItem(long) }
        await self.expectTooLong(long) { () throws(StorageError) in _ = try await driver.getItems(["a", long]) }
        await self.expectTooLong(long) { () throws(StorageError) in _ = try await driver.getMeta(long) }
        await self.expectTooLong(long) { () throws(StorageError) in try await driver.setItem(long, [1], options) }
        await self.expectTooLong(long) { () throws(StorageError) in _ = try await driver.removeItem(long) }
        await self.expectTooLong(long) { () throws(StorageError) in _ = try await driver.takeItem(long) }
        await self.expectTooLong(long) { () throws(StorageError) in _ = try await driver.touchItem(long, ttl: .forever)
        }
        await self.expectTooLong(long) { () throws(StorageError) in _ = try await driver.setMeta(long, [1]) }
        await self.expectTooLong(long) { () throws(StorageError) in
            _ = try await driver.incrementItem(long, by: 1, options)
        }
        await self.expectTooLong(long) { () throws(StorageError) in
            _ = try await driver.compareAndSwapItem(long, expected: nil, replacement: [1], options)
        }
        await self.expectTooLong(long) { () throws(StorageError) in
            _ = try await driver.apply([.set(key: "a", value: [1], options: options), .remove(key: long)])
        }
        await self.expectTooLong(long) { () throws(StorageError) in _ = try await driver.getEntries(["a", long]) }
        for commit in [
            Commit(checks: [.init(long, .absent)], mutations: [.set(key: "a", value: [1], options: options)]),
            Commit(mutations: [.set(key: "a", value: [1], options: options), .touch(key: long, ttl: .forever)]),
        ] {
            await self.expectTooLong(long) { () throws(StorageError) in _ = try await driver.commit(commit) }
        }
        #expect(try await driver.allKeys() == [longest])
        #expect(try await driver.allKeys(long + ":") == [])
        #expect(try await driver.clear(long + ":") == 0)
        try await driver.dispose()
    }

    private func expectTooLong(_ key: String, _ call: () async throws(StorageError) -> Void) async {
        do throws(StorageError) {
            try await call()
            Issue.record("a key of 512 bytes was accepted")
        } catch {
            #expect(error.code == .invalidKey)
            #expect(error.key == key)
            #expect(error.message.contains("511"))
        }
    }

    @Test("Keys are told apart by their bytes and listed in their order")
    func keys() async throws {
        let driver = try self.driver()
        let keys = ["e\u{301}", "\u{e9}", "A", "a", "a;", "a:b", "😀", "..", "-", "10", "9", "%_", "a:b:c", "b:"]
        for key in keys { try await driver.set(key, key) }
        for key in keys { #expect(try await driver.text(key).map { Array($0.utf8) } == Array(key.utf8)) }
        // The last one is not in the normal form, so it is nothing that `Storage` could read.
        let sorted = keys.dropLast().map { Array($0.utf8) }.sorted { $0.lexicographicallyPrecedes($1) }
        for limit in [1, 2, 3, 1000] {
            #expect(try await driver.allKeys(limit: limit).map { Array($0.utf8) } == sorted)
        }
        #expect(try await driver.allKeys("a:") == ["a:b", "a:b:c"])
        // The base itself is not below it.
        #expect(try await driver.allKeys("b:") == [])
        #expect(try await driver.clear("a:") == 2)
        #expect(try await driver.allKeys().count == keys.count - 3)
        try await driver.dispose()
    }

    @Test("Too deep subtrees are skipped, whatever the size of a page", arguments: [1, 2, 7, 1000])
    func depth(limit: Int) async throws {
        let driver = try self.driver()
        for key in ["a", "a:b", "a:b:c", "a:b:d", "a;", "a:c", "b:c:d", "b:c:e", "c"] { try await driver.set(key, key) }
        #expect(try await driver.allKeys(maxDepth: 0, limit: limit) == ["a", "a;", "c"])
        #expect(try await driver.allKeys(maxDepth: 1, limit: limit) == ["a", "a:b", "a:c", "a;", "c"])
        #expect(try await driver.allKeys("b:", maxDepth: 1, limit: limit) == [])
        #expect(try await driver.allKeys("b:", maxDepth: 2, limit: limit) == ["b:c:d", "b:c:e"])
        try await driver.dispose()
    }

    @Test("What can't be incremented stays as it is, and no other write of the batch fails with it")
    func increments() async throws {
        let driver = try self.driver { $0.durability = .powerLoss }
        try await driver.set("text", "abc")
        try await driver.set("largest", "\(Int.max)")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<100 {
                group.addTask {
                    let text = await code { () throws(StorageError) in
                        _ = try await driver.incrementItem("text", by: 1, WriteOptions())
                    }
                    #expect(text == .decoding)
                    let largest = await code { () throws(StorageError) in
                        _ = try await driver.incrementItem("largest", by: 1, WriteOptions())
                    }
                    #expect(largest == .overflow)
                }
                group.addTask { _ = try await driver.incrementItem("counter", by: 2, WriteOptions()) }
            }
            try await group.waitForAll()
        }
        #expect(try await driver.text("text") == "abc")
        #expect(try await driver.text("largest") == "\(Int.max)")
        #expect(try await driver.text("counter") == "200")
        try await driver.dispose()
    }
}
