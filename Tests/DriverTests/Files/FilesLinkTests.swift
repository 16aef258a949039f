import Foundation
import KVStorage
import KVStorageFiles
import Testing

/// Links below the base that lead out of it, to a folder with a secret.
@Suite("Files: links and what else is no item", .timeLimit(.minutes(5)))
struct FilesLinkTests {
    let files: FilesFixture
    let outside: TemporaryFolder
    let driver: FilesDriver

    init() throws {
        self.files = try FilesFixture()
        self.outside = try TemporaryFolder()
        _ = try self.outside.write(bytes("secret"), to: "secret")
        try self.files.makeLink("file", to: self.outside.file("secret"))
        try self.files.makeLink("folder", to: self.outside.path)
        try self.files.makeFolder("real")
        try self.files.makeLink("real/up", to: "../..")
        try self.files.makeLink("real/folder", to: self.outside.path)
        try self.files.makeLink("real/dangling", to: self.outside.file("new"))
        try self.files.makeLink("both", to: self.outside.path)
        self.driver = try self.files.open()
    }

    static let keys = [
        "file", "folder:secret", "folder:new", "real:folder:secret", "real:dangling", "folder", "folder:deep:new",
    ]

    private func checkOutside() throws {
        #expect(try self.outside.names == ["secret"])
        #expect(try self.outside.bytes(of: "secret") == bytes("secret"))
    }

    @Test("Reading through a link finds nothing", arguments: Self.keys)
    func reading(key: String) async throws {
        #expect(try await self.driver.getItem(key) == nil)
        #expect(try await self.driver.hasItem(key) == false)
        #expect(try await self.driver.getMeta(key) == nil)
    }

    @Test("Writing through a link is refused", arguments: Self.keys)
    func writing(key: String) async throws {
        let driver = self.driver
        let codes = [
            await code { () throws(StorageError) in try await driver.set(key, "value") },
            await code { () throws(StorageError) in try await driver.set(key, "value", ttl: .seconds(5)) },
            await code { () throws(StorageError) in _ = try await driver.incrementItem(key, by: 1, WriteOptions()) },
            await code { () throws(StorageError) in
                _ = try await driver.compareAndSwapItem(key, expected: nil, replacement: [1], WriteOptions())
            },
        ]
        #expect(codes == Array(repeating: .permissionDenied, count: 4))
        try self.checkOutside()
    }

    @Test("Removing and touching through a link find nothing", arguments: Self.keys)
    func removing(key: String) async throws {
        #expect(try await self.driver.removeItem(key) == false)
        #expect(try await self.driver.touchItem(key, ttl: .seconds(1)) == false)
        #expect(try await self.driver.setMeta(key, [1]) == false)
        #expect(try await self.driver.takeItem(key) == nil)
        try self.checkOutside()
    }

    @Test("Listing and clearing don't follow links, and leave them")
    func listing() async throws {
        try await self.driver.set("real:item", "1")
        #expect(try await self.driver.allKeys() == ["real:item"])
        #expect(try await self.driver.allKeys("folder:") == [])
        #expect(try await self.driver.allKeys("real:up:") == [])
        #expect(try await self.driver.clear("folder:") == 0)
        #expect(try await self.driver.clear("") == 1)
        try self.checkOutside()
        #expect(try self.files.files == ["both", "file", "folder", "real/dangling", "real/folder", "real/up"])
    }

    @Test("An index or a temporary file that is a link is not followed")
    func ownNames() async throws {
        try self.files.makeLink(".%ttl", to: self.outside.path)
        try self.files.makeLink(".%tmp-x-1", to: self.outside.file("secret"))
        let again = try self.files.open()
        #expect(
            await code { () throws(StorageError) in try await again.set("item", "1", ttl: .seconds(5)) }
                == .permissionDenied)
        #expect(try await again.allKeys() == [])
        try self.checkOutside()
    }

    @Test("Pipes, sockets and foreign names are neither read nor harmed")
    func pipes() async throws {
        #expect(mkfifo(self.files.folder.file("pipe"), 0o666) == 0)
        #expect(mkfifo(self.files.folder.file("real/%item"), 0o666) == 0)
        try self.files.write("1", to: "odd%name")
        try self.files.write("1", to: "back\\slash")
        try self.files.write("1", to: "colon:name")
        // A name that is not UTF-8.
        let invalid = (bytes(self.files.folder.path + "/not-") + [0xFF, 0]).map { CChar(bitPattern: $0) }
        let descriptor = open(invalid, O_CREAT | O_WRONLY, 0o644)
        #expect(descriptor >= 0)
        close(descriptor)
        for key in ["pipe", "pipe:below", "real"] {
            #expect(try await self.driver.getItem(key) == nil)
            #expect(try await self.driver.removeItem(key) == false)
            #expect(await code { () throws(StorageError) in try await self.driver.set(key, "1") } == .permissionDenied)
        }
        let names = ["pipe", "real/%item", "odd%name", "back\\slash", "colon:name"]
        let keys = try await self.driver.allKeys()
        #expect(keys.isEmpty)
        #expect(try await self.driver.clear("") == 0)
        #expect(names.allSatisfy { FileManager.default.fileExists(atPath: self.files.folder.file($0)) })
        #expect(unlink(invalid) == 0)
    }
}
