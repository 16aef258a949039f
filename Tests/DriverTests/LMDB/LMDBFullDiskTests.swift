import CKVStorageLMDB
import ChildProcess
import Foundation
import KVStorage
import KVStorageTesting
import Testing

@testable import KVStorageLMDB

@Suite("LMDB: full disks", .tags(.processes), .timeLimit(.minutes(5)))
struct LMDBFullDiskTests {
    @Test(
        "Opening on a full disk is refused, and no signal ends the process",
        .enabled(if: SmallDisk.isAllowed, SmallDisk.reason),
        arguments: ["new", "no lock file", "sparse lock file"])
    func opening(state: String) async throws {
        let disk = try SmallDisk(byteCount: 1 << 20)
        let path = disk.file("store")
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        if state != "new" {
            try await LMDBDriver(path: path).dispose()
            try FileManager.default.removeItem(atPath: path + "/lock.mdb")
        }
        if state == "sparse lock file" { try self.makeSparse(path + "/lock.mdb") }
        try disk.fill()
        let process = try ChildProcess(storage: ["probe", "lmdb:\(path)"])
        #expect(await process.lines() == ["error full"])
        #expect(await process.status() == 1)
        try disk.empty()
        let again = try ChildProcess(storage: ["probe", "lmdb:\(path)"])
        #expect(await again.lines() == ["[1]"])
        #expect(await again.status() == 0)
    }

    @Test("The lock file takes its room on the disk before it is used, also one that another program made")
    func lockFile() async throws {
        let folder = try TemporaryFolder(inMemory: true)
        for isThere in [false, true] {
            let path = folder.file("store\(isThere)")
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
            if isThere { try self.makeSparse(path + "/lock.mdb") }
            let driver = try LMDBDriver(path: path)
            var file = kvstorage_lmdb_file()
            #expect(kvstorage_lmdb_look(path + "/lock.mdb", &file) == 0)
            #expect(file.bytes == 64_128)
            #expect(file.allocated >= 64_128)
            try await driver.dispose()
        }
    }

    @Test("A lock file that another process has open is filled, and not made longer")
    func lockFileInUse() async throws {
        let folder = try TemporaryFolder(inMemory: true)
        let path = folder.file("store")
        let process = try ChildProcess(storage: ["hold", "lmdb:\(path)"])
        #expect(await process.line() == "ready")
        // As an environment that was made for fewer readers has it.
        #expect(truncate(path + "/lock.mdb", 20_000) == 0)
        let driver = try LMDBDriver(path: path)
        try await driver.set("key", "value")
        var file = kvstorage_lmdb_file()
        #expect(kvstorage_lmdb_look(path + "/lock.mdb", &file) == 0)
        #expect(file.bytes == 20_000)
        try await driver.dispose()
        process.closeInput()
        #expect(await process.status() == 0)
    }

    @Test(
        "Removing and clearing work on a full disk, and make room", .enabled(if: SmallDisk.isAllowed, SmallDisk.reason),
        arguments: [1, 500])
    func clearing(lifetimeEvery: Int) async throws {
        let disk = try SmallDisk(byteCount: 8 << 20)
        let driver = try LMDBDriver(path: disk.file("store"))
        var count = 0
        var failure: StorageError?
        while failure == nil {
            let sets = (count..<count + 50).map { number in
                let ttl: TTL =
                    number.isMultiple(of: lifetimeEvery) ? .seconds(10_000 + number * 7919 % 1000) : .forever
                let value = [UInt8](repeating: 1, count: 300)
                return Mutation.set(key: "a:\(number)", value: value, options: WriteOptions(ttl: ttl))
            }
            do throws(StorageError) {
                _ = try await driver.apply(sets)
                count += 50
            } catch {
                failure = error
            }
        }
        #expect(failure?.code == .full)
        #expect(count > 2000)
        try disk.fill()
        #expect(try await driver.removeItem("a:7"))
        #expect(try await driver.clear("a:") == count - 1)
        #expect(try await driver.storedCounts() == [0, 0])
        try await driver.set("b", "value")
        try await driver.dispose()
        let again = try LMDBDriver(path: disk.file("store"))
        #expect(try await again.allKeys() == ["b"])
        try await again.dispose()
    }

    private func makeSparse(_ path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT, 0o644)
        #expect(descriptor >= 0)
        #expect(ftruncate(descriptor, 64_128) == 0)
        close(descriptor)
    }
}
