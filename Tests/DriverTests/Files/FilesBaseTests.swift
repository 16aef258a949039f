import Foundation
import KVStorage
import Synchronization
import Testing

@testable import KVStorageFiles

@Suite("Files: the folder is removed or replaced", .timeLimit(.minutes(5)))
struct FilesBaseTests {
    let parent: TemporaryFolder
    let path: String

    init() throws {
        self.parent = try TemporaryFolder(inMemory: true)
        self.path = self.parent.file("base")
    }

    private func remove() throws { try FileManager.default.removeItem(atPath: self.path) }

    private func make(_ files: [String: String] = [:]) throws {
        try FileManager.default.createDirectory(atPath: self.path, withIntermediateDirectories: true)
        for (name, text) in files { _ = try self.parent.write(bytes(text), to: "base/\(name)") }
    }

    @Test(
        "A folder that was removed and made again is read, listed and written",
        arguments: [FilesDriver.Durability.processCrash, .powerLoss])
    func madeAgain(durability: FilesDriver.Durability) async throws {
        let driver = try FilesDriver(path: self.path, configuration: .init(durability: durability))
        try await driver.set("a:k", "1")
        for round in 0..<3 {
            try self.remove()
            try self.make(["there": "\(round)"])
            #expect(try await driver.text("there") == "\(round)")
            #expect(try await driver.text("a:k") == nil)
            try await driver.set("a:k", "\(round)")
            #expect(try await driver.text("a:k") == "\(round)")
            #expect(try await driver.allKeys().sorted() == ["a:k", "there"])
            // Another store there sees the same, and the other way round.
            let other = try FilesDriver(path: self.path)
            #expect(try await other.text("a:k") == "\(round)")
            try await other.set("b", "other")
            #expect(try await driver.text("b") == "other")
            try await withThrowingTaskGroup(of: Void.self) { group in
                for driver in [driver, other] {
                    group.addTask {
                        for _ in 0..<100 { _ = try await driver.incrementItem("counter", by: 1, WriteOptions()) }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await driver.text("counter") == "200")
            try await other.dispose()
        }
        try await driver.dispose()
    }

    @Test("Writing comes first: the removed folder is made again, as opening the store does")
    func removed() async throws {
        let driver = try FilesDriver(path: self.path)
        try await driver.set("a:k", "1")
        try self.remove()
        #expect(try await driver.text("a:k") == nil)
        #expect(try await driver.allKeys() == [])
        #expect(try await driver.clear("") == 0)
        #expect(!FileManager.default.fileExists(atPath: self.path))
        try await driver.set("b:k", "2", ttl: .seconds(100))
        #expect(try self.parent.bytes(of: "base/b/k").starts(with: bytes("2")))
        #expect(try await driver.allKeys() == ["b:k"])
        try self.remove()
        #expect(try await driver.removeItem("b:k") == false)
        try await driver.set("root", "3")
        #expect(try await FilesDriver(path: self.path).text("root") == "3")
    }

    @Test("A read-only store says so, and reads what is there again")
    func readOnly() async throws {
        try self.make(["item": "1"])
        let driver = try FilesDriver(path: self.path, configuration: .init(readOnly: true))
        #expect(try await driver.text("item") == "1")
        try self.remove()
        #expect(await code { () throws(StorageError) in _ = try await driver.getItem("item") } == .unavailable)
        #expect(await code { () throws(StorageError) in _ = try await driver.allKeys() } == .unavailable)
        try self.make(["item": "2"])
        #expect(try await driver.text("item") == "2")
    }

    @Test("A folder that another takes the place of by renaming is noticed")
    func swapped() async throws {
        let driver = try FilesDriver(path: self.path)
        try await driver.set("k", "old")
        try FileManager.default.moveItem(atPath: self.path, toPath: self.parent.file("old"))
        try self.make(["k": "new"])
        // As if it had been looked at long ago.
        driver.store.folder.lookTime.store(0, ordering: .relaxed)
        #expect(try await driver.text("k") == "new")
        try await driver.set("written", "1")
        #expect(try self.parent.bytes(of: "base/written") == bytes("1"))
    }

    @Test("A path that began at the current folder stays where it was")
    func relative() async throws {
        let manager = FileManager.default
        let relative = "kvstorage-relative-\(UUID().uuidString)"
        let absolute = manager.currentDirectoryPath + "/" + relative
        defer { try? manager.removeItem(atPath: absolute) }
        let driver = try FilesDriver(path: relative)
        try await driver.set("k", "1")
        try manager.removeItem(atPath: absolute)
        try await driver.set("k", "2")
        #expect(try await FilesDriver(path: absolute).text("k") == "2")
    }

    #if os(Linux)
    @Test("Who watches learns that the folder is another one, and of what happens there, without calling anything")
    func watched() async throws {
        let driver = try FilesDriver(path: self.path)
        let log = try await EventLog.watching(driver)
        try self.remove()
        try await log.wait { $0.contains(.lagged) }
        let count = log.all.count
        try self.make()
        try await log.wait { $0[count...].contains(.lagged) }
        // Comes behind whatever the watcher is about.
        try await driver.startWatching()
        try FileManager.default.createDirectory(atPath: self.parent.file("base/by"), withIntermediateDirectories: true)
        _ = try self.parent.write(bytes("1"), to: "base/by/hand")
        try await log.wait { $0.contains(.update("by:hand")) }
    }
    #endif
}
