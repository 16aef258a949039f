import KVStorage
import KVStorageTesting
import Testing

@testable import KVStorageLMDB

@Suite("LMDB: keys of other programs", .timeLimit(.minutes(5)))
struct LMDBForeignKeyTests {
    /// Not UTF-8, and not in the normal form.
    static let foreign: [[UInt8]] = [
        [0x6b, 0xff, 0x31], [0x6b, 0xff, 0x32], [0xc3], bytes("a::b"), bytes(":a"), bytes("a:"), bytes("b/c"),
        bytes("b\\c"), bytes("a?b"), bytes("a$"), bytes("nul\0"), bytes("a:b:") + [0xff],
    ]
    static let own = ["a", "a:\u{0600}:c", "b:c", "k", "z", "é:x"]

    let folder: TemporaryFolder

    init() throws {
        self.folder = try TemporaryFolder()
    }

    private func driver() async throws -> LMDBDriver {
        let first = try LMDBDriver(path: self.folder.path)
        for key in Self.own { try await first.set(key, "value") }
        try await first.dispose()
        do {
            let raw = try RawEnvironment(self.folder.path)
            for key in Self.foreign { try raw.put(key, bytes("somebody else's"), in: "kvstorage") }
        }
        return try LMDBDriver(path: self.folder.path)
    }

    @Test("Only what can be read by its name is listed, once each, in pages of any size", arguments: [1, 2, 3, 1000])
    func listing(limit: Int) async throws {
        let driver = try await self.driver()
        var query = KeyQuery(limit: limit)
        var keys: [String] = []
        var pageCount = 0
        repeat {
            let page = try await driver.getKeys(query)
            keys += page.keys
            query.cursor = page.cursor
            pageCount += 1
        } while query.cursor != nil && pageCount < 100
        #expect(pageCount < 100)
        #expect(keys.map { bytes($0) } == Self.own.map { bytes($0) })
        #expect(try await driver.allKeys("a:", limit: limit) == ["a:\u{0600}:c"])
        #expect(try await driver.allKeys(maxDepth: 0, limit: limit) == ["a", "k", "z"])
        for key in keys { #expect(try await driver.text(key) == "value") }
        try await driver.dispose()
    }

    @Test("A page that ends among foreign keys goes on behind them")
    func manyForeign() async throws {
        try await LMDBDriver(path: self.folder.path).dispose()
        do {
            let raw = try RawEnvironment(self.folder.path)
            for number in 0..<2500 { try raw.put(bytes("k\(number)") + [0xff], [1], in: "kvstorage") }
        }
        let driver = try LMDBDriver(path: self.folder.path)
        try await driver.set("z", "value")
        let page = try await driver.getKeys(KeyQuery(limit: 1))
        #expect(page.keys == [])
        #expect(page.cursor?.utf8.first == 0)
        #expect(try await driver.allKeys(limit: 1) == ["z"])
        for bad in ["\0", "\0zz", "\0abc", "\0ff"] {
            let code = await code { () throws(StorageError) in _ = try await driver.getKeys(KeyQuery(cursor: bad)) }
            #expect(code == (bad == "\0" || bad == "\0ff" ? nil : .invalidOption))
        }
        // A cursor from elsewhere never leads out of the base.
        #expect(try await driver.getKeys(KeyQuery(base: "k:", cursor: "a")).keys == [])
        try await driver.dispose()
    }

    @Test("Clearing removes what is listed, and leaves the rest", arguments: [true, false])
    func clearing(isObserved: Bool) async throws {
        let driver = try await self.driver()
        let hub = try #require(driver.events)
        let observer = isObserved ? hub.addObserver { _ in } : nil
        #expect(try await driver.clear("a:") == 1)
        #expect(try await driver.clear("") == Self.own.count - 1)
        #expect(try await driver.storedCounts() == [Self.foreign.count, 0])
        #expect(try await driver.allKeys() == [])
        if let observer { hub.removeObserver(observer) }
        try await driver.dispose()
        let raw = try RawEnvironment(self.folder.path)
        for key in Self.foreign { try raw.delete(key, in: "kvstorage") }
    }
}
