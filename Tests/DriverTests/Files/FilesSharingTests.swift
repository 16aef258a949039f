import ChildProcess
import Foundation
import KVStorage
import KVStorageFiles
import Testing

@Suite("Files: stores that share a folder, rights, full disks", .timeLimit(.minutes(5)))
struct FilesSharingTests {
    let files: FilesFixture

    init() throws {
        self.files = try FilesFixture()
    }

    private func store(_ options: String = "") -> String { "fs:\(self.files.path)\(options)" }

    @Test(
        "Stores of one process share like processes", arguments: [FilesDriver.Durability.processCrash, .powerLoss])
    func oneProcess(durability: FilesDriver.Durability) async throws {
        let rounds = durability == .powerLoss ? 25 : 250
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                let driver = try self.files.open { $0.durability = durability }
                for _ in 0..<3 {
                    group.addTask {
                        for _ in 0..<rounds { _ = try await driver.incrementItem("a:counter", by: 1, WriteOptions()) }
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try await self.files.open().text("a:counter") == "\(rounds * 12)")
    }

    @Test("Of several who create or take an item exactly one succeeds")
    func exactlyOne() async throws {
        let drivers = try (0..<4).map { _ in try self.files.open() }
        for round in 0..<100 {
            let created = try await withThrowingTaskGroup(of: Bool.self) { group in
                for driver in drivers {
                    group.addTask {
                        let result = try await driver.compareAndSwapItem(
                            "x:item\(round)", expected: nil, replacement: [1], WriteOptions())
                        return result == .swapped
                    }
                }
                return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(created == 1)
            let taken = try await withThrowingTaskGroup(of: Bool.self) { group in
                for driver in drivers {
                    group.addTask { try await driver.takeItem("x:item\(round)") != nil }
                }
                return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(taken == 1)
        }
        #expect(try self.files.folders.isEmpty)
    }

    @Test("Who locks an item's file, which whoever may read it can, holds up nobody")
    func foreignLocks() async throws {
        let driver = try self.files.open()
        try await driver.set("item", "1")
        let holder = open(self.files.folder.file("item"), O_RDONLY)
        #expect(flock(holder, LOCK_EX | LOCK_NB) == 0)
        #expect(try await driver.incrementItem("item", by: 1, WriteOptions()) == 2)
        try await driver.set("item:below", "1")
        #expect(try await driver.removeItem("item"))
        close(holder)
    }

    @Test("Without rights, files and calls fail and name the key", .tags(.processes))
    func rights() async throws {
        let driver = try self.files.open()
        try await driver.set("probe", "mine")
        try self.files.folder.setPermissions(0o600, of: self.files.folder.file("probe"))
        try self.files.folder.setPermissions(0o755, of: self.files.path)
        if geteuid() == 0 {
            let process = try ChildProcess(storage: ["probe", self.store()], unprivileged: true)
            #expect(await process.lines() == ["error permissionDenied"])
            #expect(await process.status() == 1)
        } else {
            try self.files.folder.setPermissions(0, of: self.files.folder.file("probe"))
            let error = await #expect(throws: StorageError.self) { try await driver.getItem("probe") }
            #expect(error?.code == .permissionDenied && error?.key == "probe")
        }
    }

    @Test("With too many files open, calls fail and nothing is taken for absent", .tags(.processes))
    func descriptors() async throws {
        let driver = try self.files.open()
        try await driver.set("a:item", "1")
        try await driver.set("probe", "1")
        let process = try ChildProcess(storage: ["exhaust", self.store()])
        #expect(
            await process.lines() == [
                "getItem unavailable", "setItem unavailable", "getKeys unavailable", "hasItem unavailable", "again",
            ])
        #expect(await process.status() == 0)
    }

    private static let mayMount = geteuid() == 0 && FileManager.default.isExecutableFile(atPath: "/bin/mount")

    @Test(
        "On a full disk a write fails as full, what was there stays, and with room it goes on",
        .enabled(if: Self.mayMount))
    func full() async throws {
        try self.files.makeFolder("disk")
        guard try self.run("/bin/mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", self.files.folder.file("disk")) == 0
        else {
            try Test.cancel("mounting is not permitted here")
        }
        defer { _ = try? self.run("/bin/umount", "-l", self.files.folder.file("disk")) }
        let driver = try FilesDriver(path: self.files.folder.file("disk"))
        let value = [UInt8](repeating: 7, count: 50_000)
        var count = 0
        var failure: StorageError?
        while failure == nil, count < 100 {
            do throws(StorageError) {
                try await driver.setItem("deep:folder\(count):item", value, WriteOptions())
                count += 1
            } catch {
                failure = error
            }
        }
        #expect(failure?.code == .full && failure?.key == "deep:folder\(count):item")
        #expect(count > 10)
        // An overwrite fails as well, and the old value stays.
        let code = await code { () throws(StorageError) in
            try await driver.setItem("deep:folder0:item", value + value, WriteOptions())
        }
        #expect(code == .full)
        let keys = (0..<count).map { "deep:folder\($0):item" }
        #expect(try await driver.getItems(keys).allSatisfy { $0 == value })
        #expect(try await driver.allKeys().count == count)
        let files = try self.files.files
        #expect(files.count == count, "temporary files are left: \(files)")
        #expect(try self.files.folders.count == count + 2)
        #expect(try await driver.removeItem("deep:folder0:item"))
        try await driver.setItem("more", value, WriteOptions())
        try await driver.dispose()
    }

    private func run(_ arguments: String...) throws -> Int32 {
        try ChildProcess(arguments[0], Array(arguments.dropFirst()), error: .none).wait()
    }
}
