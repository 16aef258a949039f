import ChildProcess
import Foundation
import KVStorage
import KVStorageSQLite
import Testing

@Suite("SQLite: read-only")
struct SQLiteReadOnlyTests {
    let folder: TemporaryFolder
    let path: String

    init() async throws {
        self.folder = try TemporaryFolder()
        self.path = self.folder.file("store.db")
        let driver = try SQLiteDriver(path: self.path)
        try await driver.set("key", "value")
        try await driver.dispose()
    }

    private enum Write: CaseIterable {
        case set, remove, compareAndSwap, touch, take, increment, setMeta, apply, commit, clear

        func run(on driver: SQLiteDriver) async throws(StorageError) {
            let options = WriteOptions()
            switch self {
            case .set: try await driver.setItem("key", [1], options)
            case .remove: _ = try await driver.removeItem("key")
            case .compareAndSwap:
                _ = try await driver.compareAndSwapItem("key", expected: nil, replacement: nil, options)
            case .touch: _ = try await driver.touchItem("key", ttl: .forever)
            case .take: _ = try await driver.takeItem("key")
            case .increment: _ = try await driver.incrementItem("key", by: 1, options)
            case .setMeta: _ = try await driver.setMeta("key", nil)
            case .apply: _ = try await driver.apply([.remove(key: "key")])
            case .commit: _ = try await driver.commit(Commit(mutations: [.remove(key: "key")]))
            case .clear: _ = try await driver.clear("")
            }
        }
    }

    @Test("A read-only driver reads, refuses each kind of write, and leaves the file as it is")
    func readOnly() async throws {
        let before = try self.folder.bytes(of: "store.db")
        let driver = try SQLiteDriver(path: self.path, configuration: configuration { $0.readOnly = true })
        #expect(try await driver.text("key") == "value")
        #expect(try await driver.allKeys() == ["key"])
        for write in Write.allCases {
            #expect(await code { () throws(StorageError) in try await write.run(on: driver) } == .readOnly)
        }
        try await driver.dispose()
        for write in Write.allCases {
            #expect(await code { () throws(StorageError) in try await write.run(on: driver) } == .closed)
        }
        #expect(try self.folder.bytes(of: "store.db") == before)
    }

    @Test("What is missing is not made")
    func missing() throws {
        #expect(openingError(self.folder.file("other.db")) { $0.readOnly = true }?.code == .invalidOption)
        #expect(
            openingError(self.path) {
                $0.readOnly = true
                $0.tableName = "other"
            }?.code == .incompatibleFormat
        )
        #expect(try !self.folder.names.contains("other.db"))
    }

    @Test("A read-only driver sees what another writes")
    func besideAWriter() async throws {
        let writer = try SQLiteDriver(path: self.path)
        let reader = try SQLiteDriver(path: self.path, configuration: configuration { $0.readOnly = true })
        try await writer.set("key", "new")
        #expect(try await reader.text("key") == "new")
        try await reader.dispose()
        try await writer.dispose()
    }

    @Test("A file that may not be written, or whose folder may not, is said to be so", .tags(.processes))
    func permissions() async throws {
        let before = try self.folder.bytes(of: "store.db")
        try self.folder.setPermissions(0o444, of: self.path)
        try self.folder.setPermissions(0o777, of: self.folder.path)
        #expect(try await self.probe("sqlite:\(self.path)") == "error permissionDenied")
        try self.folder.setPermissions(0o666, of: self.path)
        try self.folder.setPermissions(0o555, of: self.folder.path)
        #expect(try await self.probe("sqlite:\(self.path)") == "error permissionDenied")
        try self.folder.setPermissions(0o000, of: self.path)
        try self.folder.setPermissions(0o777, of: self.folder.path)
        #expect(try await self.probe("sqlite:\(self.path)?readOnly") == "error permissionDenied")
        try self.folder.setPermissions(0o444, of: self.path)
        #expect(try await self.probe("sqlite:\(self.path)?readOnly") == "error readOnly")
        try self.folder.setPermissions(0o644, of: self.path)
        #expect(try self.folder.bytes(of: "store.db") == before)
    }

    @Test(
        "A read-only medium needs no shared file",
        .enabled(if: SmallDisk.isAllowed, SmallDisk.reason))
    func medium() async throws {
        let disk = try SmallDisk(byteCount: 4 << 20)
        let path = disk.file("100% sure?#.db")
        let writer = try SQLiteDriver(path: path)
        try await writer.set("key", "value")
        try await writer.dispose()
        try disk.setReadOnly(true)
        #expect(openingError(path)?.code == .readOnly)
        let reader = try SQLiteDriver(path: path, configuration: configuration { $0.readOnly = true })
        #expect(try await reader.text("key") == "value")
        #expect(try await reader.verify().isSound)
        #expect(try await reader.statistics().itemCount == 1)
        try await reader.backup(to: self.folder.file("backup.db"))
        try await reader.dispose()
        try disk.setReadOnly(false)
    }

    @Test(
        "A read-only medium with a log beside the database is not read without it",
        .enabled(if: SmallDisk.isAllowed, SmallDisk.reason))
    func mediumWithLog() async throws {
        let disk = try SmallDisk(byteCount: 4 << 20)
        let writer = try SQLiteDriver(path: self.path)
        try await writer.set("key", "new")
        try FileManager.default.copyItem(atPath: self.path, toPath: disk.file("store.db"))
        try FileManager.default.copyItem(atPath: self.path + "-wal", toPath: disk.file("store.db-wal"))
        try await writer.dispose()
        try disk.setReadOnly(true)
        let error = openingError(disk.file("store.db")) { $0.readOnly = true }
        #expect([.readOnly, .permissionDenied, .unavailable].contains(error?.code))
        #expect(error?.message.contains("-shm") == true, "\(String(describing: error))")
        try disk.setReadOnly(false)
    }

    private func probe(_ store: String) async throws -> String? {
        let process = try ChildProcess(storage: ["probe", store], unprivileged: true)
        let lines = await process.lines()
        #expect(await process.status() == 1)
        return lines.last
    }
}
