import ChildProcess
import Foundation
import KVStorage
import KVStorageTesting
import Testing

@testable import KVStorageLMDB

@Suite("LMDB: backup, verification, statistics, reading only", .timeLimit(.minutes(5)))
struct LMDBOperationsTests {
    let folder: TemporaryFolder
    let path: String

    init() throws {
        self.folder = try TemporaryFolder(inMemory: true)
        self.path = self.folder.file("store")
    }

    private func driver(_ change: (inout LMDBDriver.Configuration) -> Void = { _ in }) throws -> LMDBDriver {
        try LMDBDriver(
            path: self.path,
            configuration: lmdbConfiguration {
                $0.initialSize = 64 << 10
                change(&$0)
            })
    }

    private func fill(_ driver: LMDBDriver, _ range: Range<Int>) async throws {
        let sets = range.map { number in
            let ttl: TTL = number.isMultiple(of: 3) ? .seconds(1000 + number) : .forever
            let count = number.isMultiple(of: 50) ? 9000 : 90
            let value = [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: count)
            return Mutation.set(key: "key:\(number)", value: value, options: WriteOptions(ttl: ttl))
        }
        _ = try await driver.apply(sets)
    }

    @Test("A backup that is taken while others write is of one moment, sound, and opens as a store")
    func backup() async throws {
        let driver = try self.driver()
        try await self.fill(driver, 0..<3000)
        for round in 0..<4 {
            let target = self.folder.file("backup\(round)")
            try await withThrowingTaskGroup(of: Void.self) { group in
                // The map grows meanwhile. Pairs are written together, so a backup has both or none.
                for number in 0..<40 {
                    group.addTask {
                        let value = [UInt8](repeating: 7, count: 20_000)
                        _ = try await driver.apply([
                            .set(key: "pair:\(round):\(number):a", value: value, options: WriteOptions()),
                            .set(key: "pair:\(round):\(number):b", value: value, options: WriteOptions()),
                        ])
                    }
                }
                group.addTask { try await driver.backup(to: target) }
                try await group.waitForAll()
            }
            #expect(try Set(FileManager.default.contentsOfDirectory(atPath: target)) == ["data.mdb"])
            let copy = try LMDBDriver(path: target)
            #expect(try await copy.verify().problems == [])
            #expect(try await copy.allKeys("key:").count == 3000)
            #expect(try await copy.getItem("key:50") == [UInt8](repeating: 50, count: 9000))
            #expect(try await copy.getMeta("key:3")?.ttl != nil)
            let pairs = try await copy.allKeys("pair:")
            for key in pairs {
                let other = key.dropLast() + (key.hasSuffix("a") ? "b" : "a")
                #expect(pairs.contains(String(other)))
            }
            // What comes after is no part of it, and it can be written.
            try await copy.set("key:0", "changed")
            #expect(try await copy.verify().isSound)
            try await copy.dispose()
        }
        try await driver.dispose()
    }

    @Test("A backup overwrites nothing, needs its parent, leaves nothing when it fails, and has the modes asked for")
    func backupTargets() async throws {
        let driver = try self.driver {
            $0.fileMode = 0o600
            $0.folderMode = 0o700
        }
        try await driver.set("key", "value")
        let file = try self.folder.write(bytes("precious"), to: "file")
        for target in [file, self.path, self.folder.file("missing/backup"), "", "a\0b"] {
            #expect(await code { () throws(StorageError) in try await driver.backup(to: target) } == .invalidOption)
        }
        #expect(try self.folder.bytes(of: "file") == bytes("precious"))
        try await driver.backup(to: self.folder.file("backup"))
        let attributes = try FileManager.default.attributesOfItem(atPath: self.folder.file("backup/data.mdb"))
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        // Restored over the store.
        try await driver.set("key", "later")
        try await driver.dispose()
        let more = self.folder.file("more")
        #expect(await code { () throws(StorageError) in try await driver.backup(to: more) } == .closed)
        #expect(await code { () throws(StorageError) in _ = try await driver.verify() } == .closed)
        #expect(await code { () throws(StorageError) in _ = try await driver.statistics() } == .closed)
        #expect(await code { () throws(StorageError) in try await driver.compact() } == .closed)
        try FileManager.default.removeItem(atPath: self.path + "/lock.mdb")
        #expect(rename(self.folder.file("backup/data.mdb"), self.path + "/data.mdb") == 0)
        let restored = try self.driver()
        #expect(try await restored.text("key") == "value")
        try await restored.dispose()
    }

    @Test("A backup to a full disk says so and leaves nothing", .enabled(if: SmallDisk.isAllowed, SmallDisk.reason))
    func backupToFullDisk() async throws {
        let disk = try SmallDisk(byteCount: 64 << 10)
        let driver = try self.driver()
        try await self.fill(driver, 0..<3000)
        #expect(await code { () throws(StorageError) in try await driver.backup(to: disk.file("backup")) } == .full)
        #expect(try FileManager.default.contentsOfDirectory(atPath: disk.path) == [])
        try await driver.dispose()
    }

    @Test("Verification counts the items and names what is wrong with them")
    func verify() async throws {
        let driver = try self.driver()
        #expect(try await driver.verify() == StoreVerification(itemCount: 0))
        try await self.fill(driver, 0..<2500)
        #expect(try await driver.verify() == StoreVerification(itemCount: 2500))
        try await driver.dispose()
        do {
            let raw = try RawEnvironment(self.path)
            try raw.put([0x6b, 0xff], [1], in: "kvstorage")
            try raw.put(bytes("short"), [1, 0, 0], in: "kvstorage")
            // A deadline that is not listed.
            try raw.put(bytes("unlisted"), [1, 2] + [UInt8](repeating: 1, count: 16), in: "kvstorage")
        }
        let again = try self.driver()
        let verification = try await again.verify()
        #expect(verification.itemCount == 2501)
        #expect(verification.problems.count == 3)
        for word in ["6bff", "\"short\"", "\"unlisted\""] {
            #expect(verification.problems.contains { $0.contains(word) }, "\(word)")
        }
        try await again.dispose()
    }

    @Test("Verification finds damage in pages of a large store that opening does not look at")
    func verifyDamage() async throws {
        let driver = try self.driver { $0.durability = .unflushed }
        let value = [UInt8](repeating: 1, count: 1000)
        for start in stride(from: 0, to: 30_000, by: 1000) {
            let sets = (start..<start + 1000).map { number in
                Mutation.set(key: "key:\(100_000 + number)", value: value, options: WriteOptions())
            }
            _ = try await driver.apply(sets)
        }
        try await driver.dispose()
        let file = self.path + "/data.mdb"
        let whole = try Data(contentsOf: URL(fileURLWithPath: file))
        // Opening looks at 32 MiB of pages, those with the smallest keys.
        #expect(whole.count > 36 << 20)
        // From the middle of what was committed at once: such a leaf was written once, so no free page looks like it.
        for number in [128_500, 129_250, 129_750] {
            let position = try #require(whole.range(of: Data("key:\(number)".utf8), options: .backwards)).lowerBound
            let page = position / 4096
            let header = try FileHandle(forUpdating: URL(fileURLWithPath: file))
            try header.seek(toOffset: UInt64(page * 4096))
            try header.write(contentsOf: [UInt8](repeating: 0xEE, count: 16))
            let damaged = try self.driver { $0.durability = .unflushed }
            #expect(try await damaged.text("key:100000") == String(decoding: value, as: UTF8.self))
            let verification = try await damaged.verify()
            #expect(verification.problems.count == 1)
            #expect(verification.problems.first?.hasPrefix("page \(page) of data.mdb is not") == true)
            try await damaged.dispose()
            try header.seek(toOffset: UInt64(page * 4096))
            try header.write(contentsOf: whole[page * 4096..<page * 4096 + 16])
            try header.close()
        }
        let repaired = try self.driver { $0.durability = .unflushed }
        #expect(try await repaired.verify() == StoreVerification(itemCount: 30_000))
        try await repaired.dispose()
    }

    @Test("Statistics count items, bytes, free pages and readers", .tags(.processes))
    func statistics() async throws {
        let driver = try self.driver()
        try await self.fill(driver, 0..<3000)
        let full = try await driver.statistics()
        #expect(full.itemCount == 3000)
        #expect(full.byteCount > 3000 * 90)
        #expect(full.readerCount == 0)
        #expect(full.oldestReaderLag == nil)
        _ = try await driver.clear("")
        try await driver.set("key", "value")
        let empty = try await driver.statistics()
        #expect(empty.itemCount == 1)
        #expect(empty.freeByteCount ?? 0 > (full.freeByteCount ?? 0) + 100_000)
        // A reader that stays while others write is behind.
        let reading = try await driver.store.beginReading()
        for number in 0..<5 { try await driver.set("key", "\(number)") }
        let read = try await driver.statistics()
        #expect(read.readerCount == 1)
        #expect(read.oldestReaderLag == 5)
        driver.store.endReading(reading)
        try await driver.dispose()
    }

    @Test("A driver that only reads sees what others write, and writes nothing", .tags(.processes))
    func readOnly() async throws {
        #expect(lmdbOpeningError(self.path) { $0.readOnly = true }?.code == .invalidOption)
        #expect(!FileManager.default.fileExists(atPath: self.path))
        let first = try self.driver()
        try await first.set("key", "value")
        #expect(lmdbOpeningError(self.path) { $0.readOnly = true }?.code == .invalidOption)
        try await first.dispose()
        let reader = try self.driver { $0.readOnly = true }
        #expect(reader.capabilities.contains(.readOnly))
        #expect(!first.capabilities.contains(.readOnly))
        #expect(try await reader.text("key") == "value")
        let writer = try ChildProcess(storage: ["load", "lmdb:\(self.path)?unflushed", "3000"])
        #expect(await writer.lines() == ["3000"])
        // More than was mapped at first.
        #expect(try await reader.allKeys("process1:").count == 3000)
        #expect(try await reader.verify().itemCount == 3002)
        #expect(await code { () throws(StorageError) in try await reader.set("key", "other") } == .readOnly)
        #expect(await code { () throws(StorageError) in _ = try await reader.removeItem("key") } == .readOnly)
        #expect(await code { () throws(StorageError) in _ = try await reader.clear("") } == .readOnly)
        let commit = Commit(mutations: [.remove(key: "key")])
        #expect(await code { () throws(StorageError) in _ = try await reader.commit(commit) } == .readOnly)
        #expect(await code { () throws(StorageError) in try await reader.compact() } == .readOnly)
        try await reader.backup(to: self.folder.file("backup"))
        let error = lmdbOpeningError(self.path) {
            $0.readOnly = true
            $0.databaseName = "other"
        }
        #expect(error?.code == .invalidOption)
        try await reader.dispose()
    }

    @Test("Compacting gives the disk back what is not used, and everything goes on", arguments: [true, false])
    func compact(flushes: Bool) async throws {
        let driver = try self.driver { $0.durability = flushes ? .powerLoss : .unflushed }
        let other = try self.driver {
            $0.durability = flushes ? .powerLoss : .unflushed
            $0.databaseName = "other"
        }
        try await other.set("key", "kept")
        try await self.fill(driver, 0..<3000)
        _ = try await driver.apply((100..<3000).map { .remove(key: "key:\($0)") })
        #expect(await code { () throws(StorageError) in try await driver.compact() } == .unavailable)
        try await other.dispose()
        let before = try await driver.statistics()
        // Reads and writes that come meanwhile wait.
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<8 {
                group.addTask {
                    for round in 0..<50 {
                        try await driver.set("meanwhile:\(number)", "\(round)")
                        #expect(try await driver.text("meanwhile:\(number)") == "\(round)")
                        #expect(try await driver.text("key:3") != nil)
                    }
                }
            }
            group.addTask { for _ in 0..<3 { try await driver.compact() } }
            try await group.waitForAll()
        }
        let after = try await driver.statistics()
        #expect(after.byteCount < before.byteCount / 2)
        #expect(after.itemCount == 108)
        #expect(try await driver.verify() == StoreVerification(itemCount: 108))
        #expect(try Set(FileManager.default.contentsOfDirectory(atPath: self.path)) == ["data.mdb", "lock.mdb"])
        // Opened once more in this process it is still the same environment.
        let again = try self.driver {
            $0.durability = flushes ? .powerLoss : .unflushed
            $0.databaseName = "other"
        }
        #expect(try await again.text("key") == "kept")
        try await self.fill(driver, 100..<3000)
        try await again.dispose()
        try await driver.dispose()
        let reopened = try self.driver()
        #expect(try await reopened.verify() == StoreVerification(itemCount: 3008))
        try await reopened.dispose()
    }

    @Test("Compacting is refused while another process has the store open, which goes on", .tags(.processes))
    func compactShared() async throws {
        let driver = try self.driver()
        try await driver.set("key", "value")
        let process = try ChildProcess(storage: ["hold", "lmdb:\(self.path)"])
        #expect(await process.line() == "ready")
        #expect(await code { () throws(StorageError) in try await driver.compact() } == .unavailable)
        #expect(try await driver.text("key") == "value")
        try await driver.set("key", "other")
        process.closeInput()
        #expect(await process.status() == 0)
        try await driver.compact()
        #expect(try await driver.text("key") == "other")
        let list = try ChildProcess(storage: ["list", "lmdb:\(self.path)"])
        #expect(await list.lines() == ["1"])
        try await driver.dispose()
    }
}
