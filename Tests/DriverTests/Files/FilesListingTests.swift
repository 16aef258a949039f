import Foundation
import KVStorage
import KVStorageFiles
import Testing

@Suite("Files: listing and clearing", .timeLimit(.minutes(5)))
struct FilesListingTests {
    let files: FilesFixture
    let driver: FilesDriver

    init() throws {
        self.files = try FilesFixture()
        self.driver = try self.files.open()
    }

    /// Makes a folder that nobody may read, unless the tests are run by root, whom nothing stops.
    private func lock(_ name: String) throws {
        try self.files.makeFolder(name)
        try self.files.folder.setPermissions(0, of: self.files.folder.file(name))
    }

    @Test("100,000 random keys go in and are listed exactly")
    func randomKeys() async throws {
        let driver = self.driver
        var generator = RepeatableGenerator(seed: 100_000)
        var keys: Set<[UInt8]> = []
        while keys.count < 100_000 { keys.insert(Array(RandomKeys.next(&generator).utf8)) }
        let all = keys.map { String(decoding: $0, as: UTF8.self) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for part in 0..<4 {
                group.addTask {
                    for index in stride(from: part, to: all.count, by: 4) {
                        try await driver.setItem(all[index], [], WriteOptions())
                    }
                }
            }
            try await group.waitForAll()
        }
        let listed = try await driver.allKeys()
        #expect(listed.count == keys.count)
        #expect(Set(listed.map { Array($0.utf8) }) == keys)
        for key in all.prefix(2000) { #expect(try await driver.hasItem(key)) }
    }

    @Test("A listing is read page by page, each key once", arguments: [1, 3, 7, 1000])
    func paging(limit: Int) async throws {
        var expected: Set<String> = []
        for number in 0..<60 {
            for key in [
                "flat\(number)", "deep:\(number % 5):x\(number):y", "deep:\(number % 5):x\(number)", "a:\(number)",
            ] {
                try await self.driver.set(key, "1")
                expected.insert(key)
            }
        }
        for base in ["", "deep:", "deep:3:", "a:", "none:", "flat1:"] {
            let listed = try await self.driver.allKeys(base, limit: limit)
            #expect(listed.count == Set(listed).count)
            #expect(Set(listed) == expected.filter { $0.hasPrefix(base) })
        }
        for depth in 0...4 {
            let listed = try await self.driver.allKeys(maxDepth: depth, limit: limit)
            #expect(Set(listed) == expected.filter { $0.count { $0 == ":" } <= depth })
            #expect(listed.count == Set(listed).count)
        }
    }

    @Test("What comes and goes meanwhile disturbs no other key")
    func changes() async throws {
        for number in 0..<500 { try await self.driver.set("k\(number % 10):\(number)", "1") }
        var query = KeyQuery(limit: 20)
        var seen: [String] = []
        var round = 0
        repeat {
            let page = try await self.driver.getKeys(query)
            seen += page.keys
            query.cursor = page.cursor
            // The page just seen goes; others are written anew; new ones come.
            for key in page.keys where round % 2 == 0 { _ = try await self.driver.removeItem(key) }
            for number in 0..<20 { try await self.driver.set("k\(number % 10):new\(round)-\(number)", "1") }
            for number in 0..<10 where try await self.driver.hasItem("k\(number):\(number)") {
                try await self.driver.set("k\(number):\(number)", "2")
            }
            round += 1
        } while query.cursor != nil && round < 500
        #expect(seen.count == Set(seen).count)
        let first = (0..<500).map { "k\($0 % 10):\($0)" }
        #expect(Set(seen).isSuperset(of: first))
    }

    @Test(
        "Only what is below the base is walked, and nothing deeper than asked",
        .enabled(if: geteuid() != 0, "root reads every folder"))
    func walksBelow() async throws {
        try await self.driver.set("a:item", "1")
        try await self.driver.set("deep:x", "1")
        try self.lock("locked")
        try self.lock("deep/locked")
        #expect(try await self.driver.allKeys("a:") == ["a:item"])
        #expect(try await self.driver.allKeys("deep:", maxDepth: 1) == ["deep:x"])
        // The folders are this user's own, so items may be in them.
        #expect(await code { () throws(StorageError) in _ = try await self.driver.allKeys() } == .permissionDenied)
        try self.files.folder.setPermissions(0o700, of: self.files.folder.file("locked"))
        try self.files.folder.setPermissions(0o700, of: self.files.folder.file("deep/locked"))
    }

    @Test("A base is not read beyond: a listing of ten keys beside many costs little")
    func base() async throws {
        for number in 0..<3000 { try self.files.write("1", to: "many/\(number % 30)/\(number)") }
        for number in 0..<10 { try await self.driver.set("few:\(number)", "1") }
        let clock = ContinuousClock()
        var few: [Duration] = []
        var all: [Duration] = []
        for _ in 0..<5 {
            var count = 0
            few.append(try await clock.measure { count = try await self.driver.allKeys("few:").count })
            #expect(count == 10)
            all.append(try await clock.measure { count = try await self.driver.allKeys().count })
            #expect(count == 3010)
        }
        // Three hundred times less to do; a fifth leaves room for a busy machine.
        #expect((few.min() ?? .zero) < (all.min() ?? .zero) / 5)
    }

    @Test("A file that goes between listing and reading is absent")
    func vanishing() async throws {
        for number in 0..<10 { try await self.driver.set("k\(number)", "1") }
        let storage = Storage(self.driver)
        var seen = 0
        for try await (key, _) in storage.items(as: String.self, pageSize: 5) {
            if seen == 0 {
                for number in 0..<10 where "k\(number)" != key {
                    try FileManager.default.removeItem(atPath: self.files.folder.file("k\(number)"))
                }
            }
            seen += 1
        }
        #expect(seen >= 1 && seen <= 5)
        #expect(try await self.driver.getItems((0..<10).map { "k\($0)" }).compactMap { $0 }.count == 1)
    }

    @Test(
        "A cursor that no page gave leads nowhere but below the base",
        arguments: ["x", "../../etc", "/etc", "..", "", "a/../..", "%2E./x", "k/\u{301}"]
    )
    func foreignCursor(cursor: String) async throws {
        for key in ["a", "a:b", "k:\u{301}", "k:\u{302}", "z"] { try await self.driver.set(key, "1") }
        let page = try await self.driver.getKeys(KeyQuery(cursor: cursor))
        #expect(Set(page.keys).isSubset(of: ["a", "a:b", "k:\u{301}", "k:\u{302}", "z"]))
        #expect(page.keys.contains("z"))
    }

    @Test("Clearing removes items below the base only, and empty folders")
    func clear() async throws {
        for key in ["a", "a:b", "a:b:c", "ab", "x:y"] { try await self.driver.set(key, "1") }
        try self.files.write("kept", to: "a/b/not%an item")
        #expect(try await self.driver.clear("a:") == 2)
        #expect(try await self.driver.allKeys().sorted() == ["a", "ab", "x:y"])
        #expect(try self.files.files == ["a/%item", "a/b/not%an item", "ab", "x/y"])
        #expect(try await self.driver.clear("") == 3)
        #expect(try self.files.folders == ["a", "a/b"])
    }

    /// Names that unstorage, `encodeURIComponent` or people make, and that no normal key has.
    private static let foreignNames = [
        "users/a%2Fb", "k/%", "%/k", "what%3F.html", "x%20y", "ada%40example.org", "%C3%BC",
        "https%3A%2F%2Fexample.org",
        "per%cent", "a%5Cb", "a%2Fb/below", "colon:name", "back\\slash", "question?mark", "end$", "%item",
    ]

    @Test("Whatever is listed can be read and removed by that name; what no key names is left alone")
    func foreignNames() async throws {
        for name in Self.foreignNames { try self.files.write("theirs", to: name) }
        for name in ["users/a/b", "50%25", "k/%item", "plain"] { try self.files.write("ours", to: name) }
        let recorder = try await EventLog.watching(self.driver)
        let storage = Storage(self.driver)
        #expect(try await storage.getKeys().sorted() == ["50%", "k", "plain", "users:a:b"])
        for key in try await storage.getKeys() { #expect(try await storage.getItem(key) == "ours") }
        for base in ["users", "k", "a"] {
            for key in try await storage.getKeys(base) { #expect(try await storage.hasItem(key)) }
        }
        let copy = Storage()
        try await copy.restoreSnapshot(try await storage.snapshot())
        #expect(try await copy.getKeys().sorted() == ["50%", "k", "plain", "users:a:b"])
        // Neither is a change of one emitted.
        for name in Self.foreignNames { try self.files.write("again", to: name) }
        try await self.driver.set("marker", "1")
        #expect(recorder.all == [.update("marker")])
        #expect(try await storage.removeItem("marker"))
        for key in try await storage.getKeys() { #expect(try await storage.removeItem(key)) }
        try await storage.clear()
        #expect(try self.files.files == Self.foreignNames.sorted())
        for name in Self.foreignNames { #expect(try self.files.text(of: name) == "again") }
    }

    @Test("A file of somebody else's that stands where a folder has to be is left alone")
    func foreignBranch() async throws {
        try self.files.write("theirs", to: "meta$")
        #expect(
            await code { () throws(StorageError) in try await self.driver.set("meta$:below", "1") } == .permissionDenied
        )
        #expect(try self.files.text(of: "meta$") == "theirs")
    }

    @Test("Ignored keys are neither read, listed nor cleared, and can't be written")
    func ignore() async throws {
        try self.files.write("1", to: "node_modules/pkg/index.js")
        try self.files.write("1", to: "src/node_modules/x")
        try self.files.write("1", to: "notes/a.tmp")
        try self.files.write("1", to: "notes/b.md")
        let driver = try self.files.open { $0.ignore = ["**/node_modules", "notes/*.tmp"] }
        #expect(try await driver.allKeys() == ["notes:b.md"])
        #expect(try await driver.getItem("node_modules:pkg:index.js") == nil)
        #expect(try await driver.hasItem("notes:a.tmp") == false)
        let code = await code { () throws(StorageError) in try await driver.set("node_modules:new", "1") }
        #expect(code == .invalidKey)
        #expect(try await driver.clear("") == 1)
        #expect(try self.files.files == ["node_modules/pkg/index.js", "notes/a.tmp", "src/node_modules/x"])
        #expect(throws: StorageError.self) { try self.files.open { $0.ignore = ["/"] } }
    }
}
