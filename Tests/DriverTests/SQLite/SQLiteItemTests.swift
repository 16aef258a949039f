import KVStorage
import KVStorageSQLite
import KVStorageTesting
import Testing

@Suite("SQLite: items")
struct SQLiteItemTests {
    let folder: TemporaryFolder
    let clock = ManualClock()

    init() throws {
        self.folder = try TemporaryFolder()
    }

    private func driver(_ change: (inout SQLiteDriver.Configuration) -> Void = { _ in }) throws -> SQLiteDriver {
        try SQLiteDriver(
            path: self.folder.file("store.db"),
            configuration: configuration {
                $0.clock = self.clock
                change(&$0)
            }
        )
    }

    @Test(
        "The log is copied into the database when it has 4,000 pages",
        arguments: [SQLiteDriver.Configuration.Durability.powerLoss, .processCrash]
    )
    func checkpoint(durability: SQLiteDriver.Configuration.Durability) async throws {
        let driver = try self.driver { $0.durability = durability }
        let value = [UInt8](repeating: 7, count: 1 << 20)
        for number in 0..<16 { try await driver.setItem("key:\(number)", value, WriteOptions()) }
        #expect(try self.folder.bytes(of: "store.db").count < 1 << 20)
        for number in 16..<40 { try await driver.setItem("key:\(number)", value, WriteOptions()) }
        #expect(try self.folder.bytes(of: "store.db").count > 30 << 20)
        try await driver.dispose()
    }

    @Test("Bytes come back as they were set", arguments: [0, 1, 100, 8192, 3_000_000])
    func roundTrip(count: Int) async throws {
        let driver = try self.driver()
        let value = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        try await driver.setItem("key", value, WriteOptions())
        #expect(try await driver.getItem("key") == value)
        #expect(try await driver.getMeta("key")?.size == count)
        #expect(try await driver.takeItem("key") == value)
        #expect(try await driver.getItem("key") == nil)
        try await driver.dispose()
    }

    @Test("Keys are told apart by their bytes and listed in their order")
    func keys() async throws {
        let driver = try self.driver()
        let long = String(repeating: "k", count: 10_000)
        let keys = ["e\u{301}", "\u{e9}", "A", "a", "a;", "a:b", "😀", "..", "-", "10", "9", "%_", long]
        for key in keys { try await driver.set(key, key) }
        for key in keys { #expect(try await driver.text(key).map { Array($0.utf8) } == Array(key.utf8)) }
        let sorted = keys.map { Array($0.utf8) }.sorted { $0.lexicographicallyPrecedes($1) }
        #expect(try await driver.allKeys(limit: 3).map { Array($0.utf8) } == sorted)
        #expect(try await driver.allKeys("a:") == ["a:b"])
        #expect(try await driver.clear("a:") == 1)
        #expect(try await driver.allKeys().count == keys.count - 1)
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

    @Test("An expired item that was not swept yet is absent to every call")
    func expired() async throws {
        let driver = try self.driver()
        let names = ["get", "swap", "increment", "take", "touch", "remove", "meta", "overwrite", "keep", "clear:a"]
        for name in names {
            try await driver.set(name, "5", ttl: .seconds(1))
            #expect(try await driver.setMeta(name, [1]))
        }
        let created = self.clock.now
        // Back to where nothing has expired after having looked: the sweeper sleeps until the deadline.
        self.clock.advance(by: .milliseconds(999))
        #expect(try await driver.getMeta("get")?.ttl == .milliseconds(1))
        self.clock.advance(by: .milliseconds(1))

        #expect(try await driver.getItem("get") == nil)
        #expect(try await !driver.hasItem("get"))
        #expect(try await driver.getItems(["get", "none"]) == [nil, nil])
        #expect(try await driver.getMeta("get") == nil)
        #expect(try await driver.allKeys() == [])
        let options = WriteOptions()
        let swap = try await driver.compareAndSwapItem("swap", expected: bytes("5"), replacement: [1], options)
        #expect(swap == .mismatch(current: nil))
        #expect(try await driver.incrementItem("increment", by: 2, options) == 2)
        #expect(try await driver.takeItem("take") == nil)
        #expect(try await !driver.touchItem("touch", ttl: .forever))
        #expect(try await !driver.removeItem("remove"))
        #expect(try await !driver.setMeta("meta", [2]))
        #expect(try await driver.clear("clear:") == 0)
        try await driver.set("overwrite", "new")
        let meta = try await driver.getMeta("overwrite")
        #expect(meta?.fieldBytes == nil)
        #expect(meta?.birthtime == created.advanced(by: .seconds(1)))
        try await driver.setItem("keep", [1], WriteOptions(ttl: .keep(orElse: .seconds(7))))
        #expect(try await driver.getMeta("keep")?.ttl == .seconds(7))
        try await driver.dispose()
    }

    @Test("Overwriting keeps metadata and the time of creation, and drops the lifetime unless told to keep it")
    func overwrite() async throws {
        let driver = try self.driver()
        let created = self.clock.now
        try await driver.set("key", "one", ttl: .seconds(10))
        #expect(try await driver.setMeta("key", [1]))
        self.clock.advance(by: .seconds(2))
        try await driver.setItem("key", [2], WriteOptions(ttl: .keep(orElse: .seconds(99))))
        var meta = try await driver.getMeta("key")
        #expect(meta?.ttl == .seconds(8))
        #expect(meta?.birthtime == created)
        #expect(meta?.mtime == created.advanced(by: .seconds(2)))
        #expect(meta?.fieldBytes == [1])
        try await driver.set("key", "three")
        meta = try await driver.getMeta("key")
        #expect(meta?.ttl == nil)
        #expect(meta?.fieldBytes == [1])
        #expect(try await driver.touchItem("key", ttl: .seconds(3)))
        #expect(try await driver.getMeta("key")?.ttl == .seconds(3))
        #expect(try await driver.text("key") == "three")
        try await driver.dispose()
    }

    @Test("A batch is carried out as a whole or not at all")
    func batch() async throws {
        let driver = try self.driver()
        try await driver.set("a", "1")
        let found = try await driver.apply([
            .remove(key: "a"), .remove(key: "a"), .set(key: "b", value: [2], options: WriteOptions()),
        ])
        #expect(found == [true, false, true])
        #expect(try await driver.allKeys() == ["b"])
        // A trigger of the application's own makes one of the writes fail.
        try RawDatabase(self.folder.file("store.db")).run(
            """
            CREATE TRIGGER refuse BEFORE INSERT ON kvstorage WHEN NEW.key = 'bad'
            BEGIN SELECT RAISE(ABORT, 'refused'); END
            """
        )
        let code = await code { () throws(StorageError) in
            _ = try await driver.apply([
                .remove(key: "b"), .set(key: "c", value: [3], options: WriteOptions()),
                .set(key: "bad", value: [4], options: WriteOptions()),
            ])
        }
        #expect(code == .inputOutput)
        #expect(try await driver.allKeys() == ["b"])
        try await driver.dispose()
    }

    @Test(
        "A commit of which a later write fails changes and emits nothing, and takes none of its neighbours with it",
        arguments: ["ABORT", "ROLLBACK"], [true, false])
    func commitFails(action: String, flushes: Bool) async throws {
        let driver = try self.driver { $0.durability = flushes ? .powerLoss : .processCrash }
        try await driver.set("a", "1", ttl: .seconds(50))
        #expect(try await driver.setMeta("a", [1]))
        // A trigger of the application's own makes one of the writes fail, or takes the whole transaction with it.
        try RawDatabase(self.folder.file("store.db")).run(
            """
            CREATE TRIGGER refuse BEFORE INSERT ON kvstorage WHEN NEW.key = 'bad'
            BEGIN SELECT RAISE(\(action), 'refused'); END
            """
        )
        let events = try recordedEvents(of: driver)
        let before = try await driver.getEntries(["a", "b"])
        let commit = Commit(
            checks: [.init("a", .bytes(bytes("1"))), .init("b", .absent)],
            mutations: [
                .set(key: "a", value: [2], options: WriteOptions(), fields: .replace([9])),
                .set(key: "b", value: [2], options: WriteOptions()), .touch(key: "a", ttl: .forever),
                .set(key: "bad", value: [3], options: WriteOptions()), .remove(key: "a"),
            ]
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<20 {
                group.addTask {
                    do throws(StorageError) {
                        _ = try await driver.commit(commit)
                        Issue.record("the commit succeeded")
                    } catch {
                        #expect(error.code == .inputOutput)
                        #expect(error.key == "bad")
                    }
                }
                group.addTask {
                    let neighbour = Commit(
                        checks: [.init("good\(number)", .absent)],
                        mutations: [.set(key: "good\(number)", value: [4], options: WriteOptions())])
                    let outcome = try await driver.commit(neighbour)
                    #expect(outcome == .committed(found: [false]))
                }
            }
            try await group.waitForAll()
        }
        #expect(try await driver.getEntries(["a", "b"]) == before)
        #expect(try await driver.allKeys().count == 21)
        try await driver.set("end", "")
        #expect(Set(await eventsUpToEnd(events)) == Set((0..<20).map { .update("good\($0)") }))
        try await driver.dispose()
    }

    @Test("Of many writes that are committed together the failing one fails alone", arguments: [true, false])
    func failsAlone(flushes: Bool) async throws {
        let driver = try self.driver { $0.durability = flushes ? .powerLoss : .processCrash }
        try await driver.set("text", "no number")
        let failures = await withTaskGroup(of: Bool.self) { group in
            for number in 0..<64 {
                group.addTask {
                    let code = await code { () throws(StorageError) in
                        let key = number % 8 == 0 ? "text" : "key\(number)"
                        _ = try await driver.incrementItem(key, by: 1, WriteOptions())
                    }
                    return code == .decoding
                }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(failures == 8)
        #expect(try await driver.allKeys().count == 57)
        #expect(try await driver.text("text") == "no number")
        try await driver.dispose()
    }

    @Test("A value beyond the engine's limit is refused before it is written")
    func tooLarge() async throws {
        let driver = try self.driver()
        let limit = try #require(driver.capabilities.maximumValueBytes)
        let value = [UInt8](repeating: 0, count: limit + 1)
        let refusal = await code { () throws(StorageError) in
            try await driver.setItem("key", value, WriteOptions())
        }
        #expect(refusal == .tooLarge)
        #expect(try await driver.getItem("key") == nil)
        try await driver.dispose()
    }
}
