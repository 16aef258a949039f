import Foundation
import KVStorage
import KVStorageSQLite
import Testing

/// An application's own database in SQLite's default mode, whose writer was killed in the middle of a commit.
@Suite("SQLite: a transaction that another program was killed in")
struct SQLiteHotJournalTests {
    let folder: TemporaryFolder
    private let before: [UInt8]
    private let after: [UInt8]
    private let journal: [UInt8]
    private let pageBytes = 4096

    /// Takes the database and its journal before a commit that makes it larger, and the database after it.
    init() async throws {
        self.folder = try TemporaryFolder()
        let path = self.folder.file("app.db")
        // The driver's table is there, the mode is SQLite's default again.
        try RawDatabase(path).run("PRAGMA page_size = 4096; CREATE TABLE person (name TEXT)")
        let driver = try SQLiteDriver(path: path)
        try await driver.set("key", "value")
        try await driver.dispose()
        let raw = try RawDatabase(path)
        // Without flushing, the journal's header counts as complete from its first record on.
        try raw.run("PRAGMA journal_mode = DELETE; PRAGMA synchronous = OFF; INSERT INTO person VALUES ('Ada')")
        try raw.run("BEGIN")
        try raw.run(
            """
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
            INSERT INTO person SELECT printf('%0100d', i) FROM n
            """
        )
        self.before = try self.folder.bytes(of: "app.db")
        self.journal = try self.folder.bytes(of: "app.db-journal")
        try raw.run("COMMIT")
        self.after = try self.folder.bytes(of: "app.db")
        #expect(self.after.count > self.before.count + 40 * self.pageBytes)
        #expect(self.journal.count > 512)
    }

    /// Puts down what is there when the process ends after so many pages were written.
    private func interrupt(afterPages count: Int, as name: String) throws -> String {
        let written = self.after.prefix(count * self.pageBytes)
        let path = try self.folder.write(Array(written + self.before.dropFirst(written.count)), to: name)
        _ = try self.folder.write(self.journal, to: name + "-journal")
        return path
    }

    @Test("It is rolled back before the file is judged, wherever the program was killed", arguments: [false, true])
    func rolledBack(readOnly: Bool) async throws {
        for count in 0..<40 {
            let name = "cut\(count).db"
            let path = try self.interrupt(afterPages: count, as: name)
            let driver = try SQLiteDriver(path: path, configuration: configuration { $0.readOnly = readOnly })
            #expect(try await driver.text("key") == "value")
            try await driver.dispose()
            #expect(try !self.folder.names.contains(name + "-journal"))
            let raw = try RawDatabase(path)
            #expect(try raw.run("PRAGMA integrity_check") == ["ok"])
            #expect(try raw.run("SELECT name FROM person") == ["Ada"])
        }
    }

    @Test("A file beside that is no journal of SQLite's stays, beside what is no database")
    func foreignJournal() throws {
        let path = try self.folder.write(bytes("notes"), to: "notes.txt")
        _ = try self.folder.write(bytes("my journal"), to: "notes.txt-journal")
        for readOnly in [false, true] {
            #expect(openingError(path) { $0.readOnly = readOnly }?.code == .incompatibleFormat)
        }
        #expect(try self.folder.bytes(of: "notes.txt-journal") == bytes("my journal"))
    }

    @Test("A database that was cut off without a journal is still refused")
    func cutOff() throws {
        let path = try self.folder.write(Array(self.after.dropLast(self.pageBytes * 3)), to: "cut.db")
        #expect(openingError(path)?.code == .corrupted)
    }
}
