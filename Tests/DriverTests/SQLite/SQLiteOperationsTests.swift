import ChildProcess
import Foundation
import KVStorage
import KVStorageSQLite
import KVStorageTesting
import Testing

@Suite("SQLite: backup, verification, statistics, compaction", .timeLimit(.minutes(5)))
struct SQLiteOperationsTests {
    let folder: TemporaryFolder
    let path: String

    init() throws {
        self.folder = try TemporaryFolder()
        self.path = self.folder.file("store.db")
    }

    private enum Operation: CaseIterable {
        case backup, verify, statistics, compact, checkpoint

        func run(on driver: SQLiteDriver, _ folder: TemporaryFolder) async throws(StorageError) {
            switch self {
            case .backup: try await driver.backup(to: folder.file("backup-\(UUID().uuidString).db"))
            case .verify: _ = try await driver.verify()
            case .statistics: _ = try await driver.statistics()
            case .compact: try await driver.compact()
            case .checkpoint: try await driver.checkpoint()
            }
        }
    }

    /// Has two items that are always written together change until the body returns.
    private func whileWriting(_ driver: SQLiteDriver, _ body: () async throws -> Void) async throws {
        let writer = Task {
            var count = 0
            while !Task.isCancelled {
                count += 1
                let value = bytes("\(count)")
                _ = try await driver.apply([
                    .set(key: "left", value: value, options: WriteOptions()),
                    .set(
                        key: "many:\(count % 500)", value: [UInt8](repeating: 1, count: 2000), options: WriteOptions()),
                    .set(key: "right", value: value, options: WriteOptions()),
                ])
            }
            return count
        }
        do { try await body() } catch {
            writer.cancel()
            throw error
        }
        writer.cancel()
        #expect(try await writer.value > 0)
    }

    @Test("A backup made while others write is of one moment", arguments: [false, true])
    func backup(exclusive: Bool) async throws {
        let driver = try SQLiteDriver(
            path: self.path,
            configuration: configuration {
                $0.exclusive = exclusive
                $0.busyTimeout = .seconds(60)
            }
        )
        for number in 0..<500 {
            try await driver.setItem("big:\(number)", [UInt8](repeating: 7, count: 20_000), WriteOptions())
        }
        _ = try await driver.apply([
            .set(key: "left", value: bytes("0"), options: WriteOptions()),
            .set(key: "right", value: bytes("0"), options: WriteOptions()),
        ])
        try await self.whileWriting(driver) {
            for number in 0..<5 {
                let target = self.folder.file("backup\(number).db")
                try await driver.backup(to: target)
                let copy = try SQLiteDriver(path: target)
                #expect(try await copy.text("left") == copy.text("right"))
                #expect(try await copy.text("left") != nil)
                #expect(try await copy.allKeys("big:").count == 500)
                #expect(try await copy.verify().isSound)
                try await copy.dispose()
            }
        }
        #expect(try !self.folder.names.contains { $0.contains("-partial-") })
        try await driver.dispose()
    }

    @Test("A backup made while another process writes is of one moment", .tags(.processes))
    func backupBesideProcess() async throws {
        let driver = try SQLiteDriver(path: self.path)
        let process = try ChildProcess(storage: ["crash-writer", "sqlite:\(self.path)?processCrash,patient", "8"])
        var acknowledged: [String] = []
        while acknowledged.count < 200, let key = await process.line() { acknowledged.append(key) }
        let target = self.folder.file("backup.db")
        try await driver.backup(to: target)
        process.kill()
        _ = await process.status()
        let copy = try SQLiteDriver(path: target)
        #expect(try await copy.getItems(acknowledged).allSatisfy { $0 != nil })
        #expect(try await copy.verify().isSound)
        try await copy.dispose()
        try await driver.dispose()
    }

    @Test("A backup overwrites nothing, needs its folder, and keeps the permissions")
    func backupTarget() async throws {
        let driver = try SQLiteDriver(path: self.path, configuration: configuration { $0.fileMode = 0o640 })
        try await driver.set("key", "value")
        let taken = try self.folder.write([1], to: "taken")
        for path in [taken, self.path, "", "a\0b", self.folder.file("none/backup"), self.folder.path] {
            #expect(await code { () throws(StorageError) in try await driver.backup(to: path) } == .invalidOption)
        }
        #expect(try self.folder.bytes(of: "taken") == [1])
        let target = self.folder.file("backup.db")
        try await driver.backup(to: target)
        #expect(try FileManager.default.attributesOfItem(atPath: target)[.posixPermissions] as? Int == 0o640)
        #expect(await code { () throws(StorageError) in try await driver.backup(to: target) } == .invalidOption)
        try await driver.dispose()
        #expect(try self.folder.names == ["store.db", "backup.db", "taken"])
    }

    @Test("A restored backup is what was backed up")
    func restore() async throws {
        let clock = ManualClock()
        let settings = configuration { $0.clock = clock }
        let driver = try SQLiteDriver(path: self.path, configuration: settings)
        try await driver.set("key", "old", ttl: .seconds(60))
        let backup = self.folder.file("backup.db")
        try await driver.backup(to: backup)
        try await driver.set("key", "new")
        try await driver.dispose()
        try FileManager.default.removeItem(atPath: self.path)
        try FileManager.default.moveItem(atPath: backup, toPath: self.path)
        let restored = try SQLiteDriver(path: self.path, configuration: settings)
        #expect(try await restored.text("key") == "old")
        #expect(try await restored.getMeta("key")?.ttl == .seconds(60))
        try await restored.dispose()
    }

    @Test("A sound store verifies, with items that have not been removed yet")
    func sound() async throws {
        let driver = try SQLiteDriver(path: self.path)
        for number in 0..<100 { try await driver.set("key\(number)", "value", ttl: .seconds(1000 + number)) }
        _ = try await driver.setMeta("key0", bytes("{}"))
        let answer = try await driver.verify()
        #expect(answer.isSound, "\(answer.problems)")
        #expect(answer.itemCount == 100)
        try await driver.dispose()
    }

    @Test(
        "What is wrong is said",
        arguments: [
            ("INSERT INTO kvstorage VALUES (cast(x'6bff31' as text), NULL, 1, 1, NULL, x'00')", "6bff31"),
            ("INSERT INTO kvstorage VALUES (x'6b', NULL, 1, 1, NULL, x'00')", "no key"),
            ("UPDATE kvstorage SET deadline = 'soon' WHERE key = 'key3'", "key3"),
            ("UPDATE kvstorage SET created = 1.5 WHERE key = 'key4'", "key4"),
            ("DROP INDEX kvstorage_deadline_kvstorage", "index"),
        ]
    )
    func problems(statement: String, word: String) async throws {
        let driver = try SQLiteDriver(path: self.path)
        for number in 0..<10 { try await driver.set("key\(number)", "value", ttl: .seconds(1000)) }
        try RawDatabase(self.path).run(statement)
        let answer = try await driver.verify()
        #expect(answer.problems.count == 1)
        #expect(answer.problems.first?.contains(word) == true, "\(answer.problems)")
        #expect(answer.itemCount >= 9)
        try await driver.dispose()
    }

    @Test("Damage is found and does not end the call")
    func damage() async throws {
        let driver = try SQLiteDriver(path: self.path)
        for number in 100..<400 { try await driver.set("key\(number)", String(repeating: "x", count: 1000)) }
        try await driver.dispose()
        var content = try self.folder.bytes(of: "store.db")
        let lastPage = content.count - 8192
        content.replaceSubrange(lastPage..<content.count, with: [UInt8](repeating: 0xA5, count: 8192))
        let damaged = try SQLiteDriver(path: try self.folder.write(content, to: "damaged.db"))
        let answer = try await damaged.verify()
        #expect(!answer.isSound)
        #expect(answer.problems.count <= 100)
        try await damaged.dispose()
    }

    @Test("Statistics count items, free pages and the log")
    func statistics() async throws {
        let driver = try SQLiteDriver(path: self.path)
        for number in 0..<100 {
            try await driver.setItem("key\(number)", [UInt8](repeating: 1, count: 10_000), WriteOptions())
        }
        var counts = try await driver.statistics()
        #expect(counts.itemCount == 100)
        #expect(counts.byteCount > 1_000_000)
        #expect(try #require(counts.logByteCount) > 1_000_000)
        #expect(counts.readerCount == nil)
        try await driver.checkpoint()
        #expect(try await driver.statistics().logByteCount == 0)
        #expect(try self.folder.bytes(of: "store.db-wal").isEmpty)
        _ = try await driver.clear("")
        counts = try await driver.statistics()
        #expect(counts.itemCount == 0)
        #expect(try #require(counts.freeByteCount) > 900_000)
        try await driver.dispose()
    }

    @Test("Compacting gives back what was removed, while others write", arguments: [false, true])
    func compact(flushes: Bool) async throws {
        let driver = try SQLiteDriver(
            path: self.path,
            configuration: configuration {
                $0.durability = flushes ? .powerLoss : .processCrash
                $0.busyTimeout = .seconds(60)
            }
        )
        for number in 0..<200 {
            try await driver.setItem("a:\(number)", [UInt8](repeating: 1, count: 20_000), WriteOptions())
        }
        _ = try await driver.clear("a:")
        try await driver.checkpoint()
        #expect(try self.folder.bytes(of: "store.db").count > 4_000_000)
        try await self.whileWriting(driver) { try await driver.compact() }
        #expect(try self.folder.bytes(of: "store.db").count < 3_000_000)
        #expect(try await driver.verify().isSound)
        #expect(try await driver.text("left") == driver.text("right"))
        try await driver.dispose()
    }

    @Test("A lock that is held for too long ends each in an error; nothing is lost")
    func busy() async throws {
        let driver = try SQLiteDriver(
            path: self.path, configuration: configuration { $0.busyTimeout = .milliseconds(20) })
        try await driver.set("key", "value")
        let raw = try RawDatabase(self.path)
        try raw.run("BEGIN; SELECT count(*) FROM kvstorage")
        try await driver.set("key", "new")
        #expect(await code { () throws(StorageError) in try await driver.checkpoint() } == .unavailable)
        try raw.run("COMMIT; BEGIN IMMEDIATE")
        #expect(await code { () throws(StorageError) in try await driver.compact() } == .unavailable)
        // What only reads goes on.
        #expect(try await driver.verify().isSound)
        #expect(try await driver.statistics().itemCount == 1)
        try await driver.backup(to: self.folder.file("backup.db"))
        try raw.run("COMMIT")
        try await driver.compact()
        #expect(try await driver.text("key") == "new")
        try await driver.dispose()
    }

    @Test("After dispose each is refused, with readOnly those that write")
    func refused() async throws {
        let driver = try SQLiteDriver(path: self.path)
        try await driver.set("key", "value")
        try await driver.dispose()
        let readOnly = try SQLiteDriver(path: self.path, configuration: configuration { $0.readOnly = true })
        for operation in Operation.allCases {
            let refusal = await code { () throws(StorageError) in try await operation.run(on: driver, self.folder) }
            #expect(refusal == .closed)
            let writes = operation == .compact || operation == .checkpoint
            let answer = await code { () throws(StorageError) in try await operation.run(on: readOnly, self.folder) }
            #expect(answer == (writes ? .readOnly : nil), "\(operation)")
        }
        try await readOnly.dispose()
    }

    @Test("A cancelled task's, and one that a dispose overtakes, ends and leaves nothing")
    func ended() async throws {
        let driver = try SQLiteDriver(path: self.path)
        for number in 0..<100 {
            try await driver.setItem("key\(number)", [UInt8](repeating: 1, count: 100_000), WriteOptions())
        }
        let folder = self.folder
        for operation in Operation.allCases {
            let task = Task<StorageError.Code?, Never> {
                await code { () throws(StorageError) in try await operation.run(on: driver, folder) }
            }
            task.cancel()
            let answer = await task.value
            #expect(answer == .cancelled || answer == nil, "\(operation)")
        }
        let tasks = Operation.allCases.map { operation in
            Task<StorageError.Code?, Never> {
                await code { () throws(StorageError) in try await operation.run(on: driver, folder) }
            }
        }
        try await driver.dispose()
        for task in tasks {
            let answer = await task.value
            #expect(answer == nil || answer == .closed || answer == .unavailable, "\(String(describing: answer))")
        }
        #expect(try !self.folder.names.contains { $0.contains("-partial-") })
        let again = try SQLiteDriver(path: self.path)
        #expect(try await again.verify().itemCount == 100)
        try await again.dispose()
    }
}
