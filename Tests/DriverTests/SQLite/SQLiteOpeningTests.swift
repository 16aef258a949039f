import Foundation
import KVStorage
import KVStorageSQLite
import KVStorageTesting
import Testing

@Suite("SQLite: opening")
struct SQLiteOpeningTests {
    let folder: TemporaryFolder
    let path: String

    init() throws {
        self.folder = try TemporaryFolder()
        self.path = self.folder.file("store.db")
    }

    @Test("Items, lifetimes and metadata are there after reopening")
    func reopen() async throws {
        let clock = ManualClock()
        let settings = configuration { $0.clock = clock }
        let first = try SQLiteDriver(path: self.path, configuration: settings)
        try await first.set("plain", "value")
        try await first.set("short", "value", ttl: .seconds(10))
        #expect(try await first.setMeta("plain", bytes("{}")))
        let meta = try await first.getMeta("plain")
        try await first.dispose()
        // The log was copied into the database.
        #expect(try self.folder.names == ["store.db"])

        clock.advance(by: .seconds(4))
        let second = try SQLiteDriver(path: self.path, configuration: settings)
        #expect(try await second.text("plain") == "value")
        #expect(try await second.getMeta("plain") == meta)
        #expect(try await second.getMeta("short")?.ttl == .seconds(6))
        clock.advance(by: .seconds(6))
        #expect(try await second.getItem("short") == nil)
        try await second.dispose()
    }

    @Test("A table of a newer version is refused and untouched")
    func newerVersion() async throws {
        try await SQLiteDriver(path: self.path).dispose()
        try RawDatabase(self.path).run("UPDATE kvstorage_format SET version = 2")
        let before = try self.folder.bytes(of: "store.db")
        let error = openingError(self.path)
        #expect(error?.code == .incompatibleFormat)
        #expect(error?.message.contains("2") == true)
        #expect(openingError(self.path) { $0.readOnly = true }?.code == .incompatibleFormat)
        #expect(try self.folder.bytes(of: "store.db") == before)
    }

    @Test(
        "A table or view that is not the driver's is refused and untouched",
        arguments: [
            "CREATE TABLE kvstorage (id INTEGER PRIMARY KEY)",
            "CREATE TABLE KVStorage (key TEXT PRIMARY KEY, value BLOB)",
            "CREATE VIEW kvstorage AS SELECT 1",
            "CREATE TABLE kvstorage_format (id INTEGER)",
            "PRAGMA encoding = 'UTF-16le'; CREATE TABLE other (id INTEGER)",
        ]
    )
    func foreignTable(statements: String) throws {
        try RawDatabase(self.path).run(statements)
        let before = try self.folder.bytes(of: "store.db")
        #expect(openingError(self.path)?.code == .incompatibleFormat)
        #expect(try self.folder.bytes(of: "store.db") == before)
    }

    @Test("A table whose columns were changed is refused")
    func changedTable() async throws {
        try await SQLiteDriver(path: self.path).dispose()
        try RawDatabase(self.path).run("ALTER TABLE kvstorage RENAME COLUMN meta TO extra")
        #expect(openingError(self.path)?.code == .incompatibleFormat)
    }

    @Test("Columns that another program added and that need no value change nothing")
    func addedColumns() async throws {
        let first = try SQLiteDriver(path: self.path)
        try await first.set("key", "value")
        try await first.dispose()
        let raw = try RawDatabase(self.path)
        try raw.run(
            "ALTER TABLE kvstorage ADD COLUMN note; ALTER TABLE kvstorage ADD COLUMN kind TEXT NOT NULL DEFAULT 'x'")
        for readOnly in [false, true] {
            let driver = try SQLiteDriver(path: self.path, configuration: configuration { $0.readOnly = readOnly })
            #expect(try await driver.text("key") == "value")
            if !readOnly { try await driver.set("other", "value") }
            #expect(try await driver.verify().isSound)
            try await driver.dispose()
        }
        #expect(try raw.run("SELECT kind FROM kvstorage") == ["x", "x"])
    }

    @Test(
        "A new database, its log and its index have the permissions that were asked for",
        arguments: [nil, 0o640, 0o666])
    func fileMode(mode: Int?) async throws {
        let driver = try SQLiteDriver(
            path: self.path,
            configuration: configuration { if let mode { $0.fileMode = UInt32(mode) } }
        )
        try await driver.set("key", "value")
        let names = try self.folder.names
        #expect(names == ["store.db", "store.db-wal", "store.db-shm", "store.db-reserve"])
        for name in names {
            let attributes = try FileManager.default.attributesOfItem(atPath: self.folder.file(name))
            #expect(attributes[.posixPermissions] as? Int == mode ?? 0o600, "\(name)")
        }
        try await driver.dispose()
    }

    @Test("A database that was there keeps its permissions")
    func keptFileMode() async throws {
        let path = try self.folder.write([], to: "store.db")
        try self.folder.setPermissions(0o644, of: path)
        let driver = try SQLiteDriver(path: path)
        try await driver.set("key", "value")
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        #expect(attributes[.posixPermissions] as? Int == 0o644)
        try await driver.dispose()
    }

    @Test("What is removed is zeroed where that was asked for", arguments: [false, true])
    func secureDelete(isOn: Bool) async throws {
        let driver = try SQLiteDriver(path: self.path, configuration: configuration { $0.secureDelete = isOn })
        let secret = String(repeating: "TOPSECRET", count: 3000)
        try await driver.set("key", secret)
        try await driver.checkpoint()
        _ = try await driver.removeItem("key")
        try await driver.dispose()
        let content = Data(try self.folder.bytes(of: "store.db"))
        #expect((content.range(of: Data(bytes("TOPSECRET"))) == nil) == isOn)
    }

    @Test("The reserve is shared, goes with the last driver, and is nobody's else file")
    func reserve() async throws {
        let first = try SQLiteDriver(path: self.path)
        let second = try SQLiteDriver(path: self.path)
        #expect(try self.folder.bytes(of: "store.db-reserve").count == 1 << 20)
        try await first.dispose()
        #expect(try self.folder.names.contains("store.db-reserve"))
        try await second.dispose()
        #expect(try self.folder.names == ["store.db"])
        _ = try self.folder.write(bytes("my own"), to: "store.db-reserve")
        let third = try SQLiteDriver(path: self.path)
        try await third.dispose()
        #expect(try self.folder.bytes(of: "store.db-reserve") == bytes("my own"))
        try FileManager.default.removeItem(atPath: self.folder.file("store.db-reserve"))
        let without = try SQLiteDriver(path: self.path, configuration: configuration { $0.reserveBytes = 0 })
        #expect(try !self.folder.names.contains("store.db-reserve"))
        try await without.dispose()
    }

    @Test("A log that a refused database has is left as it is")
    func refusedDatabaseWithLog() throws {
        let raw = try RawDatabase(self.path)
        try raw.run("PRAGMA journal_mode = WAL; CREATE TABLE kvstorage (id INTEGER PRIMARY KEY)")
        try withExtendedLifetime(raw) {
            _ = try self.folder.write(try self.folder.bytes(of: "store.db"), to: "copy.db")
            let log = try self.folder.bytes(of: "store.db-wal")
            _ = try self.folder.write(log, to: "copy.db-wal")
            let before = try self.folder.bytes(of: "copy.db")
            #expect(openingError(self.folder.file("copy.db"))?.code == .incompatibleFormat)
            #expect(try self.folder.bytes(of: "copy.db") == before)
            #expect(try self.folder.bytes(of: "copy.db-wal") == log)
        }
    }

    @Test("An application's own database gets the table beside its own")
    func ownDatabase() async throws {
        try RawDatabase(self.path).run("CREATE TABLE person (name TEXT); INSERT INTO person VALUES ('Ada')")
        let driver = try SQLiteDriver(path: self.path, configuration: configuration { $0.tableName = "cache" })
        try await driver.set("key", "value")
        _ = try await driver.clear("")
        try await driver.dispose()
        #expect(try RawDatabase(self.path).run("SELECT name FROM person") == ["Ada"])
    }

    @Test("Drivers with different tables share a file and see nothing of each other")
    func tableNames() async throws {
        let first = try SQLiteDriver(path: self.path, configuration: configuration { $0.tableName = "first" })
        let second = try SQLiteDriver(path: self.path, configuration: configuration { $0.tableName = "_second2" })
        try await first.set("key", "first")
        try await second.set("key", "second")
        #expect(try await first.text("key") == "first")
        #expect(try await second.clear("") == 1)
        #expect(try await first.text("key") == "first")
        try await first.dispose()
        try await second.dispose()
    }

    @Test(
        "A table name that could mean anything else is refused",
        arguments: ["", "1st", "a b", "a\"b", "a;b", "naïve", "sqlite_x", "SQLite_x", "kvstorage_format"]
    )
    func badTableName(name: String) throws {
        #expect(openingError(self.path) { $0.tableName = name }?.code == .invalidOption)
        #expect(try self.folder.names.isEmpty)
    }

    @Test("Options that can't be honoured are refused")
    func badOptions() throws {
        let changes: [(inout SQLiteDriver.Configuration) -> Void] = [
            { $0.busyTimeout = .seconds(-1) },
            { $0.cacheBytes = -1 },
            { $0.memoryMapBytes = -1 },
            { $0.maximumReaders = 0 },
            { $0.checkpointPages = 0 },
            { $0.reserveBytes = -1 },
            { $0.fileMode = 0o1777 },
            { $0.fileMode = 0o400 },
            {
                $0.readOnly = true
                $0.exclusive = true
            },
        ]
        for change in changes {
            #expect(openingError(self.path, change)?.code == .invalidOption)
        }
        #expect(try self.folder.names.isEmpty)
    }

    @Test("The capabilities follow the configuration")
    func capabilities() async throws {
        let full = try SQLiteDriver(path: self.path)
        #expect(full.capabilities.durability == .powerLoss)
        #expect(full.capabilities.contains(.interprocess))
        #expect(
            full.capabilities.contains(.atomicCommit) && full.capabilities.contains(.orderedKeys)
                && full.capabilities.contains(.customMetadata))
        #expect(!full.capabilities.contains(.readOnly))
        #expect(full.capabilities.watching == .local)
        #expect((full.capabilities.maximumValueBytes ?? 0) > 900_000_000)
        try await full.dispose()
        let normal = try SQLiteDriver(
            path: self.path,
            configuration: configuration {
                $0.durability = .processCrash
                $0.exclusive = true
            }
        )
        #expect(normal.capabilities.durability == .processCrash)
        #expect(!normal.capabilities.contains(.interprocess))
        try await normal.dispose()
        let readOnly = try SQLiteDriver(path: self.path, configuration: configuration { $0.readOnly = true })
        #expect(readOnly.capabilities.contains(.readOnly))
        try await readOnly.dispose()
    }
}
