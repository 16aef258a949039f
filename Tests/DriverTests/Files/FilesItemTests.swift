import Foundation
import KVStorage
import KVStorageTesting
import Testing

@testable import KVStorageFiles

@Suite("Files: what stands in them", .timeLimit(.minutes(5)))
struct FilesItemTests {
    let files: FilesFixture
    let driver: FilesDriver

    init() throws {
        self.files = try FilesFixture()
        self.driver = try self.files.open()
    }

    @Test("A plain item is its bytes and nothing else")
    func plain() async throws {
        let storage = Storage(self.driver)
        try await storage.setItem("users:ada.json", ["name": "Ada"])
        try await storage.setItem("notes:hello.txt", "Hello\n")
        try await storage.setItem("empty", "")
        #expect(try self.files.files == ["empty", "notes/hello.txt", "users/ada.json"])
        #expect(try self.files.text(of: "users/ada.json") == #"{"name":"Ada"}"#)
        #expect(try self.files.text(of: "notes/hello.txt") == "Hello\n")
        #expect(try self.files.text(of: "empty") == "")
    }

    @Test("A tree that was written by hand is items")
    func byHand() async throws {
        try self.files.write(#"{"title":"One","tags":["a"]}"#, to: "posts/2026/one.json")
        try self.files.write("# Two\n", to: "posts/two.md")
        try self.files.write("true", to: "flag")
        let storage = Storage(self.driver)
        struct Post: Codable, Equatable { var title: String, tags: [String] }
        #expect(try await storage.getItem("posts:2026:one.json", as: Post.self) == Post(title: "One", tags: ["a"]))
        #expect(try await storage.getItem("posts/two.md") == "# Two\n")
        #expect(try await storage.getItem("flag", as: Bool.self) == true)
        #expect(try await storage.getKeys().sorted() == ["flag", "posts:2026:one.json", "posts:two.md"])
        #expect(try await storage.getMeta("flag")?.size == 4)
        #expect(try await storage.compareAndSwapItem("flag", expected: bytes("true"), replacement: bytes("false")))
        #expect(try self.files.text(of: "flag") == "false")
        #expect(
            try await storage.updateItem("posts:2026:one.json", as: Post.self) { post in
                post?.title = "Uno"
                return post?.tags
            } == ["a"])
        // As any other JSON program reads it, whatever the order of its keys.
        let uno = try JSONDecoder().decode(
            Post.self, from: Data(try self.files.folder.bytes(of: "posts/2026/one.json")))
        #expect(uno == Post(title: "Uno", tags: ["a"]))
    }

    @Test("unstorage's own files are no items, and stay")
    func unstorage() async throws {
        try self.files.write("{}", to: "foo$")
        try self.files.write("x", to: "a/.unstorage-tmp-1-abc-2")
        try self.files.write("value", to: "foo")
        #expect(try await self.driver.allKeys() == ["foo"])
        #expect(try await self.driver.clear("") == 1)
        #expect(try self.files.files == ["a/.unstorage-tmp-1-abc-2", "foo$"])
    }

    @Test("Lifetime and metadata stand in a footer after the value, and go with it")
    func footer() async throws {
        try await self.driver.set("item", "value", ttl: .seconds(60))
        #expect(try self.files.text(of: "item").hasPrefix("value\n%KV1 "))
        #expect(try await self.driver.setMeta("item", bytes(#"{"by":"me"}"#)))
        #expect(try self.files.text(of: "item").hasPrefix("value\n{\"by\":\"me\"}\n%KV1 "))
        let again = try self.files.open()
        #expect(try await again.text("item") == "value")
        let meta = try await again.getMeta("item")
        #expect(meta?.ttl == .seconds(60) && meta?.size == 5 && meta?.fieldBytes == bytes(#"{"by":"me"}"#))
        // A write leaves the metadata; without them and without a lifetime the file is plain again.
        try await again.set("item", "other")
        #expect(try await self.driver.getMeta("item")?.fieldBytes == bytes(#"{"by":"me"}"#))
        #expect(try await again.setMeta("item", nil))
        #expect(try self.files.files == ["item"])
        #expect(try self.files.text(of: "item") == "other")
        #expect(try await again.setMeta("item", []))
        #expect(try await again.getMeta("item")?.fieldBytes == [])
        #expect(try await again.removeItem("item"))
        try await again.set("item", "new")
        #expect(try await again.getMeta("item")?.fieldBytes == nil)
    }

    @Test("A value that ends like a footer is read as it was set")
    func footerLike() async throws {
        try await self.driver.set("model", "value", ttl: .seconds(60))
        let footered = try self.files.folder.bytes(of: "model")
        let mark = bytes("\n%KV")
        for value in [
            footered, mark + [UInt8](repeating: 0x20, count: 44) + [0x0A],
            mark + bytes("1 " + String(repeating: "-", count: 42)) + [0x0A],
            mark + [UInt8](repeating: 0x20, count: 45), Array(footered.suffix(49)), Array(footered.suffix(48)),
        ] {
            try await self.driver.setItem("copy", value, WriteOptions())
            #expect(try await self.driver.getItem("copy") == value)
            let meta = try await self.driver.getMeta("copy")
            #expect(meta?.size == value.count && meta?.ttl == nil && meta?.fieldBytes == nil)
            try await self.driver.setItem("copy", value, WriteOptions(ttl: .seconds(5)))
            #expect(try await self.driver.getItem("copy") == value)
            #expect(try await self.driver.getMeta("copy")?.ttl == .seconds(5))
        }
    }

    @Test("A damaged footer is an error and never a wrong value")
    func damaged() async throws {
        try await self.driver.set("item", "value", ttl: .seconds(60))
        _ = try await self.driver.setMeta("item", bytes("fields"))
        let whole = try self.files.folder.bytes(of: "item")
        for index in whole.indices.dropLast() where index != whole.count - 49 && index >= 6 {
            var bytes = whole
            bytes[index] ^= 1
            _ = try self.files.folder.write(bytes, to: "item")
            // A damaged mark makes it a file of somebody else's.
            if (whole.count - 49..<whole.count - 45).contains(index) { continue }
            let code = await code { () throws(StorageError) in _ = try await self.driver.getItem("item") }
            let isVersion = index == whole.count - 45
            #expect(code == (isVersion ? .incompatibleFormat : .corrupted), "byte \(index)")
        }
        _ = try self.files.folder.write(whole.dropLast(2) + [0x78, 0x0A], to: "item")
        let error = await #expect(throws: StorageError.self) { try await self.driver.getMeta("item") }
        #expect(error?.code == .corrupted && error?.key == "item")
        try await self.driver.set("item", "new")
        #expect(try self.files.text(of: "item") == "new")
    }

    @Test("A write leaves the file's permission bits, and new files have the configured ones")
    func modes() async throws {
        try await self.driver.set("usual", "1")
        try self.files.folder.setPermissions(0o600, of: self.files.folder.file("usual"))
        try await self.driver.set("usual", "2")
        #expect(try self.files.mode(of: "usual") == 0o600)
        let strict = try self.files.open {
            $0.fileMode = 0o666
            $0.folderMode = 0o777
        }
        try await strict.set("a:b", "1")
        #expect(try self.files.mode(of: "a/b") == 0o666)
        #expect(try self.files.mode(of: "a") == 0o777)
        try await strict.set("c", "1")
        try await strict.set("c:d", "1")
        #expect(try self.files.mode(of: "c") == 0o777)
        #expect(try self.files.mode(of: "c/%item") == 0o666)
        #expect(throws: StorageError.self) { try self.files.open { $0.fileMode = 0o100000 } }
    }

    @Test("The deadlines' folder, whose links hold keys, is the owner's alone, also one that was made otherwise")
    func indexMode() async throws {
        try await self.driver.set("secret", "1", ttl: .seconds(60))
        for folder in try self.files.folders { #expect(try self.files.mode(of: folder) == 0o700, "\(folder)") }
        try self.files.folder.setPermissions(0o755, of: self.files.folder.file(".%ttl"))
        _ = try self.files.open()
        #expect(try self.files.mode(of: ".%ttl") == 0o700)
        let shared = try FilesFixture()
        let driver = try shared.open { $0.folderMode = 0o775 }
        try await driver.set("item", "1", ttl: .seconds(60))
        #expect(try shared.mode(of: ".%ttl") == 0o770)
    }

    @Test("A clock that is turned back while what is due is removed loses no deadline")
    func turnedBack() async throws {
        let store = self.driver.store
        let deadline = self.files.clock.now.advanced(by: .seconds(60))
        try await self.driver.set("item", "value", ttl: .seconds(60))
        // The sweep began when it was due, and now it is not any more.
        #expect(await store.sweep(deadline) == deadline)
        #expect(store.index.contains("item", deadline))
        #expect(try await self.driver.text("item") == "value")
        self.files.clock.advance(by: .seconds(60))
        #expect(try await self.driver.allKeys() == [])
        #expect(!store.index.contains("item", deadline))
        #expect(try self.files.files == [])
        // A note that is not the item's goes all the same.
        try await self.driver.set("other", "1", ttl: .seconds(60))
        let later = self.files.clock.now.advanced(by: .seconds(60))
        _ = try self.files.folder.write(bytes("4"), to: "other")
        #expect(await store.sweep(later) == nil)
        #expect(!store.index.contains("other", later))
        #expect(try await self.driver.text("other") == "4")
    }

    @Test("Values of many sizes", arguments: [0, 1, 48, 49, 50, 4095, 4096, 65_537, 5_000_000])
    func sizes(count: Int) async throws {
        let value = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        try await self.driver.setItem("item", value, WriteOptions())
        #expect(try await self.driver.getItem("item") == value)
        try await self.driver.setItem("item", value, WriteOptions(ttl: .seconds(9)))
        #expect(try await self.driver.getItem("item") == value)
        #expect(try await self.driver.getMeta("item")?.size == count)
    }

    @Test("The time of writing is the clock's, and neither touching nor metadata change it")
    func times() async throws {
        let written = self.files.clock.now
        try await self.driver.set("item", "value")
        self.files.clock.advance(by: .seconds(5))
        #expect(try await self.driver.touchItem("item", ttl: .seconds(50)))
        #expect(try await self.driver.setMeta("item", bytes("1")))
        #expect(try await self.driver.getMeta("item")?.mtime == written)
        try await self.driver.set("item", "value")
        #expect(try await self.driver.getMeta("item")?.mtime == self.files.clock.now)
    }
}
