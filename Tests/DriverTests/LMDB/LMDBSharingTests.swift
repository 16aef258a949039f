import ChildProcess
import KVStorage
import KVStorageLMDB
import Testing

@Suite("LMDB: tasks, drivers and processes on one environment", .timeLimit(.minutes(5)))
struct LMDBSharingTests {
    typealias Durability = LMDBDriver.Configuration.Durability

    let folder: TemporaryFolder
    let path: String

    init() throws {
        self.folder = try TemporaryFolder()
        self.path = self.folder.file("store")
    }

    private func driver(_ durability: Durability) throws -> LMDBDriver {
        try LMDBDriver(path: self.path, configuration: lmdbConfiguration { $0.durability = durability })
    }

    @Test("64 tasks increment one item and lose nothing", arguments: [Durability.powerLoss, .processCrash, .unflushed])
    func tasks(durability: Durability) async throws {
        let driver = try self.driver(durability)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<64 {
                group.addTask {
                    for _ in 0..<16 {
                        let sum = try await driver.incrementItem("counter", by: 1, WriteOptions())
                        // What was acknowledged is seen by everybody.
                        let seen = try await driver.text("counter").flatMap { Int($0) } ?? 0
                        #expect(seen >= sum)
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try await driver.text("counter") == "1024")
        try await driver.dispose()
    }

    @Test("Of many that take an item exactly one gets it", arguments: [Durability.powerLoss, .unflushed])
    func take(durability: Durability) async throws {
        let driver = try self.driver(durability)
        try await driver.set("item", "value")
        let count = try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<32 { group.addTask { try await driver.takeItem("item") != nil } }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(count == 1)
        try await driver.dispose()
    }

    @Test(
        "Two drivers on one environment see each other's writes at once", arguments: [Durability.powerLoss, .unflushed])
    func twoDrivers(durability: Durability) async throws {
        let drivers = [try self.driver(durability), try self.driver(durability)]
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

    @Test("Readers of a process that was killed are cleared away when the environment is opened", .tags(.processes))
    func staleReaders() async throws {
        // Keeps the table of readers in use: whoever opens an environment alone begins a new one.
        let holder = try ChildProcess(storage: ["hold", "lmdb:\(self.path)"])
        #expect(await holder.line() == "ready")
        let first = try LMDBDriver(path: self.path)
        let victim = try ChildProcess(storage: ["hold", "lmdb:\(self.path)"])
        #expect(await victim.line() == "ready")
        victim.kill()
        _ = await victim.status()
        #expect(try first.readerCount() == 2)
        try await first.dispose()
        let second = try LMDBDriver(path: self.path)
        #expect(try second.readerCount() == 1)
        try await second.dispose()
        holder.closeInput()
        #expect(await holder.status() == 0)
    }

    @Test(
        "Disposing waits for what was accepted; later calls are refused", arguments: [Durability.powerLoss, .unflushed])
    func dispose(durability: Durability) async throws {
        let driver = try self.driver(durability)
        let accepted = await withTaskGroup(of: String?.self) { group in
            for number in 0..<200 {
                group.addTask {
                    let key = "key\(number)"
                    let code = await code { () throws(StorageError) in try await driver.set(key, key) }
                    #expect(code == nil || code == .closed)
                    return code == nil ? key : nil
                }
                group.addTask {
                    let code = await code { () throws(StorageError) in _ = try await driver.getKeys(KeyQuery()) }
                    #expect(code == nil || code == .closed)
                    return nil
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
        let again = try LMDBDriver(path: self.path)
        #expect(Set(try await again.allKeys()) == accepted)
        try await again.dispose()
    }

    @Test("Environments are opened and closed by many tasks at once")
    func openingAndClosing() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<8 {
                group.addTask {
                    for round in 0..<20 {
                        let driver = try self.driver(.unflushed)
                        try await driver.set("key\(task)", "\(round)")
                        #expect(try await driver.text("key\(task)") == "\(round)")
                        // Half of them are dropped.
                        if round.isMultiple(of: 2) { try await driver.dispose() }
                    }
                }
            }
            try await group.waitForAll()
        }
        let driver = try self.driver(.powerLoss)
        #expect(try await driver.allKeys().count == 8)
        try await driver.dispose()
    }

    @Test("Cancelled tasks leave whole writes and no stuck caller", arguments: [Durability.powerLoss, .unflushed])
    func cancellation(durability: Durability) async throws {
        let driver = try self.driver(durability)
        let tasks = (0..<100).map { _ in Task { try await driver.incrementItem("counter", by: 1, WriteOptions()) } }
        for task in tasks { task.cancel() }
        for task in tasks { _ = try await task.value }
        #expect(try await driver.text("counter") == "100")
        try await driver.dispose()
    }
}
