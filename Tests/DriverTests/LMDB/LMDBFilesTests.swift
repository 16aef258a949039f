import ChildProcess
import Foundation
import KVStorage
import KVStorageTesting
import Testing

@testable import KVStorageLMDB

@Suite("LMDB: what becomes of the files", .timeLimit(.minutes(5)))
struct LMDBFilesTests {
    let folder: TemporaryFolder
    let path: String
    let clock = ManualClock()

    init() throws {
        self.folder = try TemporaryFolder()
        self.path = self.folder.file("store")
    }

    private func driver() throws -> LMDBDriver {
        try LMDBDriver(path: self.path, configuration: lmdbConfiguration { $0.clock = self.clock })
    }

    /// Lets a minute pass again and again until the call throws, and returns its error.
    private func error(
        within body: () async throws(StorageError) -> Void
    ) async -> StorageError? {
        while !Task.isCancelled {
            self.clock.advance(by: .seconds(60))
            await Task.yield()
            do throws(StorageError) { try await body() } catch { return error }
        }
        return nil
    }

    @Test(
        "Files that were deleted, moved or replaced while open are noticed, and no write goes nowhere",
        arguments: ["rm data.mdb", "rm lock.mdb", "rm folder", "mv folder", "replace"])
    func lost(what: String) async throws {
        let driver = try self.driver()
        try await driver.set("key", "value")
        let manager = FileManager.default
        switch what {
        case "rm data.mdb": try manager.removeItem(atPath: self.path + "/data.mdb")
        case "rm lock.mdb": try manager.removeItem(atPath: self.path + "/lock.mdb")
        case "rm folder": try manager.removeItem(atPath: self.path)
        case "mv folder": try manager.moveItem(atPath: self.path, toPath: self.folder.file("moved"))
        default:
            try manager.copyItem(atPath: self.path + "/data.mdb", toPath: self.folder.file("copy"))
            #expect(rename(self.folder.file("copy"), self.path + "/data.mdb") == 0)
        }
        let error = await self.error { () throws(StorageError) in try await driver.set("key", "nowhere") }
        #expect(error?.code == .unavailable)
        #expect(error?.message.contains("dispose") == true)
        #expect(await code { () throws(StorageError) in _ = try await driver.getItem("key") } == .unavailable)
        // With the lock file of the open one it would be opened twice.
        if what == "rm data.mdb" || what == "replace" { #expect(lmdbOpeningError(self.path)?.code == .unavailable) }
        try await driver.dispose()
        let again = try LMDBDriver(path: self.path)
        try await again.set("key", "anew")
        try await again.dispose()
    }

    @Test("Files with a second name are refused, under both names", arguments: ["data.mdb", "lock.mdb"])
    func linked(name: String) async throws {
        try await self.driver().dispose()
        let other = self.folder.file("other")
        try FileManager.default.createDirectory(atPath: other, withIntermediateDirectories: false)
        try FileManager.default.linkItem(atPath: self.path + "/" + name, toPath: other + "/" + name)
        for path in [self.path, other] {
            let error = lmdbOpeningError(path)
            #expect(error?.code == .unavailable)
            #expect(error?.message.contains("hard link") == true)
        }
        try FileManager.default.removeItem(atPath: other + "/" + name)
        #expect(lmdbOpeningError(self.path) == nil)
    }

    @Test("A second name that is given while open stops the writes for as long as it is there")
    func linkedLater() async throws {
        let driver = try self.driver()
        try await driver.set("key", "value")
        try FileManager.default.linkItem(atPath: self.path + "/data.mdb", toPath: self.folder.file("snapshot"))
        let error = await self.error { () throws(StorageError) in try await driver.set("key", "other") }
        #expect(error?.code == .unavailable)
        #expect(error?.message.contains("hard link") == true)
        try FileManager.default.removeItem(atPath: self.folder.file("snapshot"))
        repeat {
            self.clock.advance(by: .seconds(60))
            await Task.yield()
        } while await code { () throws(StorageError) in try await driver.set("key", "again") } != nil
            && !Task.isCancelled
        #expect(try await driver.text("key") == "again")
        try await driver.dispose()
    }

    @Test("A file that was put beside the lock file of another is not called damaged", .tags(.processes))
    func foreignLock() async throws {
        for name in ["backup", "store"] {
            let driver = try LMDBDriver(path: self.folder.file(name))
            for number in 0..<(name == "store" ? 50 : 3) { try await driver.set("key", "\(number)") }
            try await driver.dispose()
        }
        let process = try ChildProcess(storage: ["hold", "lmdb:\(self.path)"])
        #expect(await process.line() == "ready")
        #expect(rename(self.folder.file("backup/data.mdb"), self.path + "/data.mdb") == 0)
        let error = lmdbOpeningError(self.path)
        #expect(error?.code == .unavailable)
        #expect(error?.message.contains("end those processes") == true)
        process.closeInput()
        #expect(await process.status() == 0)
        let driver = try LMDBDriver(path: self.path)
        #expect(try await driver.text("key") == "2")
        try await driver.dispose()
    }

    @Test("The places of readers that were killed are given back within a minute", .tags(.processes))
    func killedReaders() async throws {
        let driver = try self.driver()
        let process = try ChildProcess(storage: ["hold", "lmdb:\(self.path)"])
        #expect(await process.line() == "ready")
        // This process may have readers of its own, which come and stay.
        #expect(try driver.readers().contains(process.identifier))
        process.kill()
        _ = await process.status()
        while try driver.readers().contains(process.identifier), !Task.isCancelled {
            self.clock.advance(by: .seconds(60))
            await Task.yield()
        }
        try await driver.dispose()
    }

    @Test("New files and folders have exactly the permissions that are asked for; those that are there keep theirs")
    func modes() async throws {
        func mode(_ path: String) throws -> Int? {
            try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        }
        let configuration = lmdbConfiguration {
            $0.fileMode = 0o660
            $0.folderMode = 0o770
        }
        try await LMDBDriver(path: self.path, configuration: configuration).dispose()
        #expect(try mode(self.path) == 0o770)
        for name in ["data.mdb", "lock.mdb"] {
            #expect(try mode(self.path + "/" + name) == 0o660)
            #expect(chmod(self.path + "/" + name, 0o600) == 0)
        }
        try await LMDBDriver(path: self.path, configuration: configuration).dispose()
        for name in ["data.mdb", "lock.mdb"] { #expect(try mode(self.path + "/" + name) == 0o600) }
        for bad: UInt32 in [0, 0o400, 0o10_600] {
            #expect(lmdbOpeningError(self.folder.file("bad")) { $0.fileMode = bad }?.code == .invalidOption)
        }
        #expect(lmdbOpeningError(self.folder.file("bad")) { $0.folderMode = 0o600 }?.code == .invalidOption)
    }
}
