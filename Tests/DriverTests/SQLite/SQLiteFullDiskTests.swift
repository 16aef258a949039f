import ChildProcess
import Foundation
import KVStorage
import KVStorageSQLite
import KVStorageTesting
import Synchronization
import Testing

@Suite(
    "SQLite: a disk that is really full",
    .enabled(if: SmallDisk.isAllowed, SmallDisk.reason),
    .timeLimit(.minutes(5))
)
struct SQLiteFullDiskTests {
    let disk: SmallDisk
    let path: String

    init() throws {
        self.disk = try SmallDisk(byteCount: 16 << 20)
        self.path = self.disk.file("store.db")
    }

    private func value(_ number: Int) -> [UInt8] {
        [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 1000)
    }

    private func fill(_ driver: SQLiteDriver, valueBytes: Int = 20_000) async throws -> Int {
        var count = 0
        let value = [UInt8](repeating: 1, count: valueBytes)
        while await code(of: { () throws(StorageError) in
            try await driver.setItem("a:\(count)", value, WriteOptions())
        }) == nil { count += 1 }
        return count
    }

    @Test("What expires is removed on a full disk")
    func sweeping() async throws {
        let clock = ManualClock()
        let driver = try SQLiteDriver(path: self.path, configuration: configuration { $0.clock = clock })
        let hub = try #require(driver.events)
        let (stream, continuation) = AsyncStream.makeStream(of: StorageEvent.self)
        _ = hub.addObserver { if case .remove = $0 { continuation.yield($0) } }
        try await driver.set("short", "value", ttl: .seconds(5))
        _ = try await self.fill(driver)
        try self.disk.fill()
        clock.advance(by: .seconds(5))
        for await event in stream {
            #expect(event == .remove("short", .expired))
            break
        }
        try await driver.dispose()
    }

    @Test("What is cleared in pieces is counted and told of, and nothing else goes with it", arguments: ["", "a:"])
    func clearing(base: String) async throws {
        let driver = try SQLiteDriver(path: self.path)
        let foreignRows = 400
        let raw = try RawDatabase(self.path)
        try raw.run(
            """
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < \(foreignRows))
            INSERT INTO kvstorage SELECT 'a:1' || cast(x'ff' AS text) || i, NULL, 1, 1, NULL, x'00' FROM n
            """
        )
        try await driver.set("b", "value")
        let count = try await self.fill(driver, valueBytes: 1000)
        try self.disk.fill()
        let removed = Mutex<Set<String>>([])
        _ = try #require(driver.events).addObserver { event in
            if case .remove(let key, .removed) = event { removed.withLock { _ = $0.insert(key) } }
        }
        #expect(try await driver.clear(base) == (base.isEmpty ? count + 1 : count))
        #expect(removed.withLock { $0.count } == (base.isEmpty ? count + 1 : count))
        #expect(try await driver.allKeys() == (base.isEmpty ? [] : ["b"]))
        #expect(try raw.run("SELECT count(*) FROM kvstorage") == ["\(base.isEmpty ? foreignRows : foreignRows + 1)"])
        try await driver.dispose()
    }

    @Test("What expires together is removed, however much it is")
    func sweepingMuch() async throws {
        let clock = ManualClock()
        let driver = try SQLiteDriver(path: self.path, configuration: configuration { $0.clock = clock })
        let value = [UInt8](repeating: 1, count: 7000)
        var count = 0
        while await code(of: { () throws(StorageError) in
            try await driver.setItem("a:\(count)", value, WriteOptions(ttl: .seconds(5)))
        }) == nil { count += 1 }
        try self.disk.fill()
        let hub = try #require(driver.events)
        let (stream, continuation) = AsyncStream.makeStream(of: StorageEvent.self)
        _ = hub.addObserver { if case .remove = $0 { continuation.yield($0) } }
        clock.advance(by: .seconds(5))
        var removed = 0
        for await _ in stream {
            removed += 1
            if removed == count { break }
        }
        let raw = try RawDatabase(self.path)
        #expect(try raw.run("SELECT count(*) FROM kvstorage") == ["0"])
        try await driver.dispose()
    }

    @Test(
        "Overwriting goes on at each durability, whatever the threshold of the log",
        arguments: [
            (SQLiteDriver.Configuration.Durability.powerLoss, 4000), (.processCrash, 4000), (.unflushed, 1_000_000),
        ]
    )
    func overwriting(durability: SQLiteDriver.Configuration.Durability, pages: Int) async throws {
        let driver = try SQLiteDriver(
            path: self.path,
            configuration: configuration {
                $0.durability = durability
                $0.checkpointPages = pages
            }
        )
        // SQLite writes no page that is as it was: each value is another.
        for number in 0..<5000 { try await driver.setItem("key", self.value(number), WriteOptions()) }
        for number in 0..<200 {
            let value = self.value(number)
            _ = try await driver.apply((0..<100).map { .set(key: "\($0)", value: value, options: WriteOptions()) })
            if number % 50 == 0 { #expect(try await driver.allKeys().count == 101) }
        }
        try await driver.dispose()
    }

    @Test(
        "A reader of another program that keeps the log from beginning anew ends in an error, and it goes on after it")
    func foreignReader() async throws {
        let driver = try SQLiteDriver(path: self.path)
        try await driver.setItem("key", self.value(0), WriteOptions())
        let raw = try RawDatabase(self.path)
        try raw.run("BEGIN; SELECT count(*) FROM kvstorage")
        var failure: StorageError.Code?
        for number in 1..<10_000 where failure == nil {
            failure = await code { () throws(StorageError) in
                try await driver.setItem("key", self.value(number), WriteOptions())
            }
        }
        #expect(failure == .full)
        #expect(try await driver.removeItem("key"))
        try raw.run("COMMIT")
        for number in 0..<5000 { try await driver.setItem("key", self.value(number), WriteOptions()) }
        try await driver.dispose()
    }

    @Test("A store that was killed opens on a full disk", .tags(.processes))
    func killed() async throws {
        let process = try ChildProcess(storage: ["crash-writer", "sqlite:\(self.path)", "8"])
        var keys: [String] = []
        while keys.count < 100, let key = await process.line() { keys.append(key) }
        process.kill()
        _ = await process.status()
        try self.disk.fill()
        let driver = try SQLiteDriver(path: self.path)
        #expect(try await driver.getItems(keys).allSatisfy { $0 != nil })
        #expect(try await driver.removeItem(keys[0]))
        try await driver.dispose()
    }

    @Test("A batch that fits no more leaves what is smaller to be written")
    func neighbours() async throws {
        let driver = try SQLiteDriver(path: self.path)
        let outcomes = await withTaskGroup(of: (Int, StorageError.Code?).self) { group in
            for number in 0..<20 {
                group.addTask {
                    let value = [UInt8](repeating: 1, count: number == 0 ? 20 << 20 : 1000)
                    let failure = await code { () throws(StorageError) in
                        try await driver.setItem("key\(number)", value, WriteOptions())
                    }
                    return (number, failure)
                }
            }
            return await group.reduce(into: [Int: StorageError.Code]()) { $0[$1.0] = $1.1 }
        }
        #expect(outcomes == [0: .full])
        #expect(try await driver.allKeys().count == 19)
        try await driver.dispose()
    }

    @Test("A backup without room leaves nothing, and compacting without room changes nothing")
    func operations() async throws {
        let driver = try SQLiteDriver(path: self.path)
        let count = try await self.fill(driver)
        let backup = self.disk.file("backup.db")
        #expect(await code { () throws(StorageError) in try await driver.backup(to: backup) } == .full)
        #expect(await code { () throws(StorageError) in try await driver.compact() } == .full)
        let names = try FileManager.default.contentsOfDirectory(atPath: self.disk.path)
        #expect(!names.contains { $0.hasPrefix("backup") })
        #expect(try await driver.allKeys().count == count)
        try await driver.dispose()
    }
}
