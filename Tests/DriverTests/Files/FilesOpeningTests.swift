import Foundation
import KVStorage
import KVStorageFiles
import KVStorageTesting
import Testing

@Suite("Files: opening, stale temporary files, lifetimes", .timeLimit(.minutes(5)))
struct FilesOpeningTests {
    let files: FilesFixture

    init() throws {
        self.files = try FilesFixture()
    }

    private func error(_ path: String, readOnly: Bool = false) -> StorageError? {
        do throws(StorageError) {
            _ = try FilesDriver(path: path, configuration: .init(readOnly: readOnly))
            return nil
        } catch {
            return error
        }
    }

    @Test("The folder is made if it is missing; what can't be one is refused")
    func opening() throws {
        try self.files.write("x", to: "file")
        #expect(self.error(self.files.folder.file("a/b/c")) == nil)
        #expect(try self.files.folders == ["a", "a/b", "a/b/c"])
        #expect(self.error(self.files.folder.file("file"))?.code == .invalidOption)
        #expect(self.error(self.files.folder.file("file/below"))?.code == .invalidOption)
        #expect(self.error("")?.code == .invalidOption)
        #expect(self.error("a\0b")?.code == .invalidOption)
        #expect(self.error(self.files.folder.file("missing"), readOnly: true)?.code == .unavailable)
        #expect(try self.files.folder.names == ["a", "file"])
    }

    @Test("A read-only store refuses every write, hides what expired and changes nothing")
    func readOnly() async throws {
        let writable = try self.files.open()
        try await writable.set("item", "1")
        try await writable.set("short", "1", ttl: .seconds(5))
        let before = try self.files.files
        let driver = try self.files.open { $0.readOnly = true }
        self.files.clock.advance(by: .seconds(-1))
        #expect(try await driver.allKeys().sorted() == ["item", "short"])
        try await writable.dispose()
        self.files.clock.advance(by: .seconds(6))
        #expect(try await driver.allKeys() == ["item"])
        #expect(try await driver.getItem("short") == nil)
        #expect(driver.capabilities.contains(.readOnly))
        let codes = [
            await code { () throws(StorageError) in try await driver.set("item", "2") },
            await code { () throws(StorageError) in _ = try await driver.removeItem("item") },
            await code { () throws(StorageError) in _ = try await driver.touchItem("item", ttl: .forever) },
            await code { () throws(StorageError) in _ = try await driver.clear("") },
        ]
        #expect(codes == Array(repeating: .readOnly, count: 4))
        #expect(try self.files.files == before)
    }

    @Test("What dead processes left is removed at opening, wherever it is; what is in use stays")
    func staleTemporaryFiles() async throws {
        try self.files.write("part", to: ".%tmp-dead-1")
        try self.files.write("part", to: "a/b/.%tmp-dead-2")
        try self.files.write("part", to: "a/.%tmp-dead-3/%item")
        try self.files.write("item", to: "a/b/item")
        try self.files.write("part", to: "a/.%tmp-alive-1")
        let alive = open(self.files.folder.file("a/.%tmp-alive-1"), O_RDONLY)
        #expect(flock(alive, LOCK_EX | LOCK_NB) == 0)
        _ = try self.files.open { $0.readOnly = true }
        #expect(try self.files.files.count == 5)
        _ = try self.files.open()
        #expect(try self.files.files == ["a/.%tmp-alive-1", "a/b/item"])
        close(alive)
        _ = try self.files.open()
        #expect(try self.files.files == ["a/b/item"])
        #expect(try self.files.folders == ["a", "a/b"])
    }

    @Test("Expired items are removed from the disk without anybody asking, also those of an earlier process")
    func sweeping() async throws {
        let first = try self.files.open()
        for number in 0..<20 { try await first.set("a:\(number)", "1", ttl: .seconds(60 + Int64(number))) }
        try await first.set("ever", "1")
        try await first.dispose()
        let second = try self.files.open()
        self.files.clock.advance(by: .seconds(70))
        try await self.wait { try self.files.files.filter { $0.hasPrefix("a/") }.count == 9 }
        self.files.clock.advance(by: .seconds(100))
        try await self.wait { try self.files.files == ["ever"] && self.files.folders.isEmpty }
        #expect(try await second.allKeys() == ["ever"])
    }

    /// Waits for what happens in the background; the test's time limit ends what never comes.
    private func wait(until condition: () throws -> Bool) async throws {
        while try !condition() {
            try Task.checkCancellation()
            await Task.yield()
        }
    }

    @Test("The index of deadlines holds no more than there are items, and goes with the last")
    func index() async throws {
        let driver = try self.files.open()
        for round in 1...10 { try await driver.set("item", "1", ttl: .seconds(Int64(round * 100))) }
        #expect(try await driver.touchItem("item", ttl: .seconds(5000)))
        #expect(try self.files.files.filter { $0.hasPrefix(".%ttl/") }.count == 1)
        #expect(try await driver.touchItem("item", ttl: .forever))
        #expect(try self.files.files == ["item"] && self.files.folders.isEmpty)
        try await driver.set("item", "1", ttl: .seconds(100))
        #expect(try await driver.removeItem("item"))
        #expect(try self.files.files.isEmpty && self.files.folders.isEmpty)
    }

    @Test("An item that was removed by hand leaves nothing behind when its time has come")
    func removedByHand() async throws {
        let driver = try self.files.open()
        try await driver.set("item", "1", ttl: .seconds(10))
        try FileManager.default.removeItem(atPath: self.files.folder.file("item"))
        self.files.clock.advance(by: .seconds(10))
        #expect(try await driver.allKeys() == [])
        #expect(try self.files.files.isEmpty && self.files.folders.isEmpty)
    }

    @Test("After disposing every call throws; calls under way are finished before")
    func dispose() async throws {
        let driver = try self.files.open { $0.durability = .durable }
        async let write: Void = driver.set("item", "1")
        try await write
        try await driver.dispose()
        try await driver.dispose()
        let codes = [
            await code { () throws(StorageError) in _ = try await driver.getItem("item") },
            await code { () throws(StorageError) in try await driver.set("item", "2") },
            await code { () throws(StorageError) in _ = try await driver.allKeys() },
            await code { () throws(StorageError) in try await driver.startWatching() },
        ]
        #expect(codes == Array(repeating: .closed, count: 4))
        #expect(try self.files.text(of: "item") == "1")
    }
}
