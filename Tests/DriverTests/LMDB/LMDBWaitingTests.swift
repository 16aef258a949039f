import ChildProcess
import Foundation
import KVStorage
import KVStorageTesting
import Testing

@testable import KVStorageLMDB

@Suite("LMDB: a process that stopped with the lock", .tags(.processes), .timeLimit(.minutes(5)))
struct LMDBWaitingTests {
    let folder: TemporaryFolder
    let path: String

    init() throws {
        self.folder = try TemporaryFolder()
        self.path = self.folder.file("store")
    }

    private func driver(_ level: LMDBDriver.Configuration.Durability) throws -> LMDBDriver {
        try LMDBDriver(
            path: self.path,
            configuration: lmdbConfiguration {
                $0.durability = level
                $0.busyTimeout = .milliseconds(300)
            })
    }

    /// Starts a process that stops in the middle of a write.
    private func stopped() async throws -> ChildProcess {
        let process = try ChildProcess(storage: ["stop-in-write", "lmdb:\(self.path)?stopping,unflushed"])
        #expect(await process.line() == "stopping")
        return process
    }

    @Test(
        "Writes are answered when their time is over and never run later; reads go on, and so does all once it ends",
        arguments: [LMDBDriver.Configuration.Durability.powerLoss, .processCrash, .unflushed], [true, false])
    func writing(level: LMDBDriver.Configuration.Durability, isKilled: Bool) async throws {
        let driver = try self.driver(level)
        try await driver.set("before", "value")
        let process = try await self.stopped()
        // More than there are threads in the cooperative pool: none of them may be held.
        await withTaskGroup(of: StorageError.Code?.self) { group in
            for number in 0..<100 {
                group.addTask { await code { () throws(StorageError) in try await driver.set("late\(number)", "x") } }
            }
            for _ in 0..<100 {
                #expect(await code { () throws(StorageError) in _ = try await driver.text("before") } == nil)
            }
            for await code in group { #expect(code == .unavailable) }
        }
        #expect(await code { () throws(StorageError) in _ = try await driver.removeItem("before") } == .unavailable)
        if isKilled { process.kill() } else { process.signal(SIGCONT) }
        _ = await process.status()
        // The commit that has waited for the lock all the time may still be on its way.
        while await code(of: { () throws(StorageError) in try await driver.set("after", "value") }) == .unavailable {}
        #expect(try await driver.allKeys() == ["after", "before"] + (isKilled ? [] : ["stopped"]))
        try await driver.dispose()
    }

    @Test("Opening has a limit, and what was given up is opened once the process has ended")
    func opening() async throws {
        try await LMDBDriver(path: self.path).dispose()
        let process = try await self.stopped()
        let configuration = lmdbConfiguration { $0.busyTimeout = .milliseconds(200) }
        for _ in 0..<2 {
            let error = lmdbOpeningError(self.path) { $0 = configuration }
            #expect(error?.code == .unavailable)
            #expect(error?.message.contains("busyTimeout") == true)
        }
        // Others are not held up.
        let other = try LMDBDriver(path: self.folder.file("other"))
        try await other.set("key", "value")
        try await other.dispose()
        process.kill()
        _ = await process.status()
        var driver: LMDBDriver?
        while driver == nil, !Task.isCancelled {
            driver = try? LMDBDriver(path: self.path, configuration: configuration)
        }
        try await driver?.set("key", "value")
        #expect(try await driver?.text("key") == "value")
        try await driver?.dispose()
    }

    @Test("Disposing does not wait for the process; the environment is closed once it lets go")
    func disposing() async throws {
        let driver = try self.driver(.powerLoss)
        let process = try await self.stopped()
        let write = Task { await code { () throws(StorageError) in try await driver.set("late", "x") } }
        #expect(await write.value == .unavailable)
        try await driver.dispose()
        #expect(await code { () throws(StorageError) in _ = try await driver.getItem("late") } == .closed)
        process.kill()
        _ = await process.status()
        // With another level it is refused as long as the first one is open.
        while lmdbOpeningError(self.path, { $0.durability = .unflushed }) != nil, !Task.isCancelled {
            await Task.yield()
        }
        let again = try LMDBDriver(path: self.path)
        #expect(try await again.allKeys() == [])
        try await again.dispose()
    }
}
