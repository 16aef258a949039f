import Foundation
import KVStorage
import KVStorageTesting
import Synchronization
import Testing

@testable import KVStorageFiles

#if os(Linux)
@Suite("Files: a slow disk", .serialized, .timeLimit(.minutes(5)))
struct FilesBlockingTests {
    let files: FilesFixture
    let watch: SystemWatch

    init() throws {
        self.files = try FilesFixture()
        self.watch = SystemWatch(self.files.path)
    }

    @Test("Flushes that don't end hold up no reader, no other store and no other task", arguments: [64, 300])
    func heldUp(writerCount: Int) async throws {
        defer { self.watch.end() }
        let driver = try self.files.open { $0.durability = .powerLoss }
        let other = try self.files.open()
        try await other.set("there", "1")
        self.watch.hold()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<writerCount {
                group.addTask { try await driver.set("f\(number % 50):\(number)", "\(number)") }
            }
            // As many flushes at a time as there are threads, however few processors.
            try await self.watch.wait { $0.heldCount == BlockingPool.threadLimit }
            try await withThrowingTaskGroup(of: Void.self) { readers in
                for reader in 0..<8 {
                    readers.addTask {
                        for round in 0..<100 {
                            let text = try await driver.text("there")
                            #expect(text == "1")
                            let isThere = try await driver.hasItem("missing")
                            #expect(!isThere)
                            try await other.set("reader\(reader)", "\(round)")
                        }
                    }
                }
                readers.addTask {
                    await Task.yield()
                    let keys = try await driver.allKeys()
                    #expect(keys.contains("there"))
                }
                try await readers.waitForAll()
            }
            #expect(self.watch.state.withLock { $0.heldCount } == BlockingPool.threadLimit)
            self.watch.open()
            try await group.waitForAll()
        }
        for number in 0..<writerCount {
            #expect(try await driver.text("f\(number % 50):\(number)") == "\(number)")
        }
    }

    @Test("Writers that wait for one folder share its flush")
    func sharedFlush() async throws {
        defer { self.watch.end() }
        let driver = try self.files.open { $0.durability = .powerLoss }
        // The folder's own name is flushed with this.
        try await driver.set("folder:first", "1")
        self.watch.state.withLock { $0.folderFlushCount = 0 }
        self.watch.hold(files: false)
        let before = self.watch.state.withLock { $0.renameCount }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<64 {
                group.addTask { try await driver.set("folder:\(number)", "\(number)") }
            }
            // All are written, without 64 threads that wait.
            try await self.watch.wait { $0.renameCount - before == 64 }
            self.watch.open()
            try await group.waitForAll()
        }
        // The one that was held up, one for those who came meanwhile, and some for who was a little late.
        #expect(self.watch.state.withLock { $0.folderFlushCount } <= 16)
    }

    @Test("Disposing waits for the writes that are being flushed")
    func dispose() async throws {
        defer { self.watch.end() }
        let driver = try self.files.open { $0.durability = .powerLoss }
        self.watch.hold()
        async let write: Void = driver.set("a:item", "1")
        try await self.watch.wait { $0.heldCount == 1 }
        async let dispose: Void = driver.dispose()
        try await eventually("closed") {
            await code(of: { () throws(StorageError) in _ = try await driver.hasItem("x") }) == .closed
        }
        self.watch.open()
        try await write
        try await dispose
        #expect(try self.files.text(of: "a/item") == "1")
    }

    @Test("A flush of the folder that fails says that the item was changed, and the change is emitted and swept")
    func failedFlush() async throws {
        defer { self.watch.end() }
        let driver = try self.files.open { $0.durability = .powerLoss }
        try await driver.set("a:first", "1", ttl: .seconds(100))
        let events = EventLog(driver)
        // What a full disk answers must not be taken for "nothing was written".
        for (number, failure) in [EIO, ENOSPC, EDQUOT].enumerated() {
            self.watch.state.withLock { $0.failures = [failure] }
            let error = await #expect(throws: StorageError.self) { try await driver.set("a:item", "\(number)") }
            #expect(error?.code == .inputOutput && error?.key == "a:item")
            #expect(error?.message.contains("the item was changed") == true)
            #expect(try await driver.text("a:item") == "\(number)")
        }
        self.watch.state.withLock { $0.failures = [EIO] }
        await #expect(throws: StorageError.self) { _ = try await driver.removeItem("a:item") }
        #expect(try await driver.getItem("a:item") == nil)
        #expect(events.all == Array(repeating: .update("a:item"), count: 3) + [.remove("a:item", .removed)])
        // The deadline of an item that was written so is met without anybody asking: after the link's folder, which is
        // known by now, the item's own is flushed.
        self.watch.state.withLock { $0.failures = [0, EIO] }
        await #expect(throws: StorageError.self) { try await driver.set("a:short", "1", ttl: .seconds(100)) }
        let path = self.files.folder.file("a/short")
        #expect(FileManager.default.fileExists(atPath: path))
        self.files.clock.advance(by: .seconds(100))
        try await self.watch.wait { _ in !FileManager.default.fileExists(atPath: path) }
    }
}
#endif
