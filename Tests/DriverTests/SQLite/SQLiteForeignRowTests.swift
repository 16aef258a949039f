import KVStorage
import KVStorageSQLite
import KVStorageTesting
import Testing

/// Rows whose key could be neither read nor removed by the name that it would be listed under.
@Suite("SQLite: rows that are no items", .timeLimit(.minutes(5)))
struct SQLiteForeignRowTests {
    let folder: TemporaryFolder
    let path: String

    init() throws {
        self.folder = try TemporaryFolder()
        self.path = self.folder.file("store.db")
    }

    // Text that is not UTF-8, blobs, and text that is no normal key.
    private static let foreign = [
        "cast(x'6bff31' as text)", "cast(x'6bff32' as text)", "cast(x'6be282' as text)", "cast(x'7aff' as text)",
        "cast(x'623aff' as text)", "x'6b31'", "x''", "''", "'a/b'", "'b::c'", "'b:'", "':b'", "'k?'", "'k$'",
        "cast(x'6b0031' as text)",
    ]

    private func insert(_ keys: [String], deadline: String = "NULL") throws {
        let raw = try RawDatabase(self.path)
        for key in keys { try raw.run("INSERT INTO kvstorage VALUES (\(key), \(deadline), 1, 1, NULL, x'00')") }
    }

    @Test("They are skipped, whatever the size of a page", arguments: [1, 2, 3, 1000])
    func listing(limit: Int) async throws {
        let driver = try SQLiteDriver(path: self.path)
        for key in ["a", "b:c", "z"] { try await driver.set(key, "value") }
        try self.insert(Self.foreign)
        #expect(try await driver.allKeys(limit: limit) == ["a", "b:c", "z"])
        #expect(try await driver.allKeys("b:", limit: limit) == ["b:c"])
        #expect(try await driver.allKeys(maxDepth: 0, limit: limit) == ["a", "z"])
        try await driver.dispose()
    }

    @Test("More of them than a page looks at end no listing", arguments: [1, 1000])
    func many(limit: Int) async throws {
        let driver = try SQLiteDriver(path: self.path)
        try await driver.set("a", "value")
        try await driver.set("z", "value")
        let raw = try RawDatabase(self.path)
        try raw.run(
            """
            WITH RECURSIVE n(i) AS (SELECT 10000 UNION ALL SELECT i + 1 FROM n WHERE i < 15000)
            INSERT INTO kvstorage SELECT cast(x'6bff' || i AS text), NULL, 1, 1, NULL, x'00' FROM n
            """
        )
        #expect(try await driver.allKeys(limit: limit) == ["a", "z"])
        try await driver.dispose()
    }

    @Test("Clearing leaves them, whether or not anybody watches", arguments: [false, true])
    func clearing(isWatched: Bool) async throws {
        let driver = try SQLiteDriver(path: self.path)
        if isWatched { _ = try #require(driver.events).addObserver { _ in } }
        for key in ["a", "b:c", "b:d", "z"] { try await driver.set(key, "value") }
        try self.insert(Self.foreign)
        #expect(try await driver.clear("b:") == 2)
        #expect(try await driver.clear("") == 2)
        let count = try RawDatabase(self.path).run("SELECT count(*) FROM kvstorage")
        #expect(count == ["\(Self.foreign.count)"])
        try await driver.dispose()
    }

    @Test("What has expired goes, whoever wrote it, and tells nothing of a key that is none")
    func expiry() async throws {
        let clock = ManualClock()
        let driver = try SQLiteDriver(path: self.path, configuration: configuration { $0.clock = clock })
        let (stream, continuation) = AsyncStream.makeStream(of: StorageEvent.self)
        _ = try #require(driver.events).addObserver { continuation.yield($0) }
        try self.insert(Self.foreign, deadline: "1")
        try await driver.set("short", "value", ttl: .seconds(1))
        clock.advance(by: .seconds(1))
        for await event in stream where event == .remove("short", .expired) { break }
        #expect(try RawDatabase(self.path).run("SELECT count(*) FROM kvstorage") == ["0"])
        try await driver.dispose()
    }

    @Test(
        "A cursor from anywhere ends in an error or stays within its base", arguments: ["\0", "\0zz", "\0a", "", "zz"])
    func cursors(cursor: String) async throws {
        let driver = try SQLiteDriver(path: self.path)
        for key in ["a", "b:c", "c"] { try await driver.set(key, "value") }
        do throws(StorageError) {
            let page = try await driver.getKeys(KeyQuery(base: "b:", cursor: cursor))
            #expect(page.keys.allSatisfy { $0 == "b:c" })
        } catch {
            #expect(error.code == .invalidOption)
        }
        try await driver.dispose()
    }

    @Test("A segment that ends in a character which joins what follows is a segment like others", arguments: [1, 1000])
    func prepend(limit: Int) async throws {
        let driver = try SQLiteDriver(path: self.path)
        for key in ["a", "xa", "xb", "x\u{600}:k"] { try await driver.set(key, "value") }
        #expect(
            try await driver.allKeys("x\u{600}:", limit: limit).map { Array($0.utf8) } == [Array("x\u{600}:k".utf8)])
        #expect(try await driver.allKeys(maxDepth: 0, limit: limit) == ["a", "xa", "xb"])
        #expect(try await driver.clear("x\u{600}:") == 1)
        try await driver.dispose()
    }
}
