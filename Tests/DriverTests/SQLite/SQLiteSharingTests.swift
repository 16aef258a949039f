import ChildProcess
import KVStorage
import KVStorageSQLite
import Testing

@Suite("SQLite: tasks, drivers and processes on one file", .timeLimit(.minutes(5)))
struct SQLiteSharingTests {
    let folder: TemporaryFolder
    let path: String

    init() throws {
        self.folder = try TemporaryFolder()
        self.path = self.folder.file("store.db")
    }

    private static let variants: [(SQLiteDriver.Configuration.Durability, Bool)] = [
        (.powerLoss, false), (.powerLoss, true), (.processCrash, false), (.processCrash, true), (.unflushed, false),
    ]

    @Test("64 tasks increment one item and lose nothing", arguments: Self.variants)
    func tasks(durability: SQLiteDriver.Configuration.Durability, exclusive: Bool) async throws {
        let driver = try SQLiteDriver(
            path: self.path,
            configuration: configuration {
                $0.durability = durability
                $0.exclusive = exclusive
                $0.maximumReaders = 1
            }
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<64 {
                group.addTask {
                    for _ in 0..<16 {
                        _ = try await driver.incrementItem("counter", by: 1, WriteOptions())
                        // What was acknowledged is seen by everybody.
                        #expect(try await driver.getItem("counter") != nil)
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try await driver.text("counter") == "1024")
        try await driver.dispose()
    }

    @Test("Of many that take an item exactly one gets it", arguments: [true, false])
    func take(flushes: Bool) async throws {
        let driver = try SQLiteDriver(
            path: self.path,
            configuration: configuration { $0.durability = flushes ? .powerLoss : .processCrash }
        )
        try await driver.set("item", "value")
        let count = try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<32 { group.addTask { try await driver.takeItem("item") != nil } }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(count == 1)
        try await driver.dispose()
    }

    @Test("Two drivers on one file see each other's writes at once", arguments: Self.variants)
    func twoDrivers(durability: SQLiteDriver.Configuration.Durability, exclusive: Bool) async throws {
        let settings = configuration {
            $0.durability = durability
            $0.exclusive = exclusive
            $0.busyTimeout = .seconds(60)
        }
        let drivers = [
            try SQLiteDriver(path: self.path, configuration: settings),
            try SQLiteDriver(path: self.path, configuration: settings),
        ]
        for number in 0..<100 {
            try await drivers[number % 2].set("key", "\(number)")
            #expect(try await drivers[1 - number % 2].text("key") == "\(number)")
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<8 {
                group.addTask {
                    for _ in 0..<50 { _ = try await drivers[task % 2].incrementItem("sum", by: 1, WriteOptions()) }
                }
            }
            try await group.waitForAll()
        }
        #expect(try await drivers[0].text("sum") == "400")
        for driver in drivers { try await driver.dispose() }
    }

    @Test("An exclusive store is refused to a second process, and free again after the first", .tags(.processes))
    func exclusive() async throws {
        let holder = try ChildProcess(storage: ["hold", "sqlite:\(self.path)?exclusive"])
        #expect(await holder.line() == "ready")
        for exclusive in [true, false] {
            let error = openingError(self.path) {
                $0.exclusive = exclusive
                $0.busyTimeout = .milliseconds(10)
            }
            #expect(error?.code == .unavailable)
            #expect(error?.message.contains("exclusive") == true)
        }
        holder.closeInput()
        #expect(await holder.status() == 0)
        let driver = try SQLiteDriver(path: self.path, configuration: configuration { $0.exclusive = true })
        try await driver.set("key", "value")
        #expect(try self.folder.names.contains("store.db-shm") == false)
        try await driver.dispose()
    }

    @Test("A lock that is held for too long is an error that says so; nothing is written", arguments: [true, false])
    func busy(flushes: Bool) async throws {
        let driver = try SQLiteDriver(
            path: self.path,
            configuration: configuration {
                $0.durability = flushes ? .powerLoss : .processCrash
                $0.busyTimeout = .milliseconds(20)
            }
        )
        try await driver.set("key", "old")
        let raw = try RawDatabase(self.path)
        try raw.run("BEGIN IMMEDIATE")
        #expect(await code { () throws(StorageError) in try await driver.set("key", "new") } == .unavailable)
        // Readers go on meanwhile.
        #expect(try await driver.text("key") == "old")
        try raw.run("COMMIT")
        try await driver.set("key", "newer")
        #expect(try await driver.text("key") == "newer")
        try await driver.dispose()
    }

    @Test("A write waits for a lock that is given up in time", arguments: [true, false])
    func waits(flushes: Bool) async throws {
        let driver = try SQLiteDriver(
            path: self.path,
            configuration: configuration {
                $0.durability = flushes ? .powerLoss : .processCrash
                $0.busyTimeout = .seconds(60)
            }
        )
        try await driver.set("key", "old")
        let raw = try RawDatabase(self.path)
        try raw.run("BEGIN IMMEDIATE")
        async let write: Void = driver.set("key", "new")
        // The lock holder reads while the write waits, through the same driver.
        for _ in 0..<100 { #expect(try await driver.text("key") == "old") }
        try raw.run("COMMIT")
        try await write
        #expect(try await driver.text("key") == "new")
        try await driver.dispose()
    }

    @Test("Disposing waits for what was accepted; later calls are refused", arguments: [true, false])
    func dispose(flushes: Bool) async throws {
        let driver = try SQLiteDriver(
            path: self.path,
            configuration: configuration { $0.durability = flushes ? .powerLoss : .processCrash }
        )
        let accepted = await withTaskGroup(of: String?.self) { group in
            for number in 0..<200 {
                group.addTask {
                    let key = "key\(number)"
                    let code = await code { () throws(StorageError) in try await driver.set(key, key) }
                    #expect(code == nil || code == .closed)
                    return code == nil ? key : nil
                }
            }
            for _ in 0..<2 {
                group.addTask {
                    #expect(await code { () throws(StorageError) in try await driver.dispose() } == nil)
                    return nil
                }
            }
            return await group.reduce(into: Set<String>()) { keys, key in
                if let key { keys.insert(key) }
            }
        }
        try await driver.dispose()
        #expect(await code { () throws(StorageError) in _ = try await driver.getItem("key") } == .closed)
        #expect(await code { () throws(StorageError) in _ = try await driver.getKeys(KeyQuery()) } == .closed)
        #expect(await code { () throws(StorageError) in try await driver.set("key", "value") } == .closed)
        #expect(try self.folder.names == ["store.db"])
        let again = try SQLiteDriver(path: self.path)
        #expect(Set(try await again.allKeys()) == accepted)
        try await again.dispose()
    }

    @Test("Cancelled tasks leave whole writes and no stuck caller", arguments: [true, false])
    func cancellation(flushes: Bool) async throws {
        let driver = try SQLiteDriver(
            path: self.path,
            configuration: configuration { $0.durability = flushes ? .powerLoss : .processCrash }
        )
        let tasks = (0..<100).map { number in
            Task { try await driver.incrementItem("counter", by: 1, WriteOptions()) }
        }
        for task in tasks { task.cancel() }
        for task in tasks { _ = try await task.value }
        #expect(try await driver.text("counter") == "100")
        try await driver.dispose()
    }
}
