import Foundation
import KVStorage
import Synchronization
import Testing

@testable import KVStorageFiles

#if os(Linux)
@Suite("Files: power loss", .timeLimit(.minutes(5)))
struct FilesDurabilityTests {
    let folder: TemporaryFolder
    private let disk: ForgetfulDisk

    init() throws {
        self.folder = try TemporaryFolder(inMemory: true)
        self.disk = try ForgetfulDisk(self.folder.path)
    }

    private func open(_ path: String, _ durability: FilesDriver.Durability) throws -> FilesDriver {
        try FilesDriver(path: self.folder.file(path), configuration: .init(durability: durability))
    }

    @Test("What was acknowledged is there: with every folder name that was made, the base and those above it included")
    func ownFolders() async throws {
        defer { self.disk.end() }
        let driver = try self.open("x/y/base", .powerLoss)
        for key in ["item", "a:b:c", "a:b:d", "a", "a:b", "z:z:z:z"] {
            try await driver.set(key, "value of \(key)")
            // Where it stands by now, which a later write may change.
            for stored in try await driver.allKeys() {
                let path = try driver.store.mapping.path(of: stored)
                let value = self.disk.kept("x/y/base/\(path)") ?? self.disk.kept("x/y/base/\(path)/%item")
                #expect(value == bytes("value of \(stored)"), "\(stored) after \(key)")
            }
        }
        try await driver.set("a:b:c", "again")
        #expect(self.disk.kept("x/y/base/a/b/c") == bytes("again"))
        for key in ["a:b:c", "a:b:d", "z:z:z:z", "item"] {
            #expect(try await driver.removeItem(key))
            #expect(self.disk.kept("x/y/base/" + key.replacing(":", with: "/")) == nil)
        }
        #expect(self.disk.kept("x/y/base/a/b/%item") == bytes("value of a:b"))
        // A folder that was removed is another one when it is made again.
        try await driver.set("z:z:z:z", "new")
        #expect(self.disk.kept("x/y/base/z/z/z/z") == bytes("new"))
    }

    @Test("Folders that a store without flushing has made are flushed before anything in them is acknowledged")
    func foundFolders() async throws {
        defer { self.disk.end() }
        let careless = try self.open("x/base", .processCrash)
        try await careless.set("a:b:c", "1")
        #expect(self.disk.kept("x/base/a/b/c") == nil)
        let driver = try self.open("x/base", .powerLoss)
        try await driver.set("a:b:d", "2")
        #expect(self.disk.kept("x/base/a/b/d") == bytes("2"))
        // Made while the durable store is open.
        try await careless.set("new:folder:c", "1")
        try await driver.set("new:folder:d", "2")
        #expect(self.disk.kept("x/base/new/folder/d") == bytes("2"))
        #expect(try await careless.removeItem("new:folder:c"))
        #expect(try await careless.removeItem("new:folder:d"))
        try await careless.set("new:folder:c", "1")
        try await driver.set("new:folder:d", "3")
        #expect(self.disk.kept("x/base/new/folder/d") == bytes("3"))
        // Known by now: a write costs the flush of the file and that of its folder.
        let count = Mutex(0)
        let path = self.folder.path
        var hook = SystemHook()
        hook.beforeSynchronize = { handle in
            if SystemWatch.path(of: handle)?.hasPrefix(path) == true { count.withLock { $0 += 1 } }
            return nil
        }
        let id = SystemHook.install(hook)
        try await driver.set("new:folder:d", "4")
        SystemHook.remove(id)
        #expect(count.withLock { $0 } == 2)
    }

    @Test("The entry in the index is there before the item")
    func index() async throws {
        defer { self.disk.end() }
        let driver = try self.open("base", .powerLoss)
        try await driver.set("a:item", "1", ttl: .seconds(1000))
        let links = try FileManager.default.subpathsOfDirectory(atPath: self.folder.file("base/.%ttl"))
        let link = try #require(links.max { $0.utf8.count < $1.utf8.count })
        #expect(self.disk.kept("base/.%ttl/\(link)") != nil)
    }
}
#endif
