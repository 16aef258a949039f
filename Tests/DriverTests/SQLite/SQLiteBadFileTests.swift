import Foundation
import KVStorage
import KVStorageSQLite
import Testing

@Suite("SQLite: what may lie in the place of the database")
struct SQLiteBadFileTests {
    let folder: TemporaryFolder

    init() throws {
        self.folder = try TemporaryFolder()
    }

    @Test("A path that names no file is refused", arguments: ["", ":memory:", "a\0b"])
    func badPath(path: String) {
        #expect(openingError(path)?.code == .invalidOption)
    }

    @Test("The path :memory: is pointed to the memory driver")
    func memoryPath() {
        #expect(openingError(":memory:")?.message.contains(".memory") == true)
    }

    @Test("A missing folder is named and not made")
    func missingFolder() throws {
        let error = openingError(self.folder.file("missing/store.db"))
        #expect(error?.code == .invalidOption)
        #expect(error?.message.contains("create it") == true)
        #expect(try self.folder.names.isEmpty)
    }

    @Test("A folder is refused")
    func folderAtPath() throws {
        #expect(openingError(self.folder.path)?.code == .invalidOption)
        #expect(try self.folder.names.isEmpty)
    }

    @Test("A path that looks like a URI is a path")
    func uriPath() async throws {
        let before = FileManager.default.currentDirectoryPath
        let name = "file:\(UUID().uuidString).db"
        let driver = try SQLiteDriver(path: name)
        try await driver.set("key", "value")
        try await driver.dispose()
        #expect(FileManager.default.fileExists(atPath: "\(before)/\(name)"))
        try FileManager.default.removeItem(atPath: "\(before)/\(name)")
    }

    @Test(
        "A file that is no database is refused and untouched",
        arguments: ["hello", "SQLite format 2\0 and so on", String(repeating: "a line of text, ", count: 1000)]
    )
    func textFile(content: String) throws {
        for readOnly in [false, true] {
            let path = try self.folder.write(bytes(content), to: "notes.txt")
            #expect(openingError(path) { $0.readOnly = readOnly }?.code == .incompatibleFormat)
            #expect(try self.folder.bytes(of: "notes.txt") == bytes(content))
            #expect(try self.folder.names == ["notes.txt"])
        }
    }

    @Test("A database that was cut off is refused and untouched", arguments: [10, 50, 100, 8192, 20_000])
    func truncatedFile(length: Int) async throws {
        let driver = try SQLiteDriver(path: self.folder.file("store.db"))
        for number in 0..<50 { try await driver.set("key\(number)", String(repeating: "x", count: 1000)) }
        try await driver.dispose()
        let whole = try self.folder.bytes(of: "store.db")
        #expect(whole.count > 20_000)

        let path = try self.folder.write(Array(whole.prefix(length)), to: "cut.db")
        #expect(openingError(path)?.code == .corrupted)
        #expect(openingError(path) { $0.readOnly = true }?.code == .corrupted)
        #expect(try self.folder.bytes(of: "cut.db") == Array(whole.prefix(length)))
        #expect(try self.folder.names == ["store.db", "cut.db"])
    }

    @Test("A header with garbage behind it is refused and untouched")
    func garbageBehindHeader() throws {
        let content = bytes("SQLite format 3\0") + [UInt8](repeating: 0xA5, count: 8176)
        let path = try self.folder.write(content, to: "store.db")
        #expect([.incompatibleFormat, .corrupted].contains(openingError(path)?.code))
        #expect(try self.folder.bytes(of: "store.db") == content)
    }

    @Test("An empty file with a log beside it is refused, and the log stays")
    func emptyFileWithLog() throws {
        let path = try self.folder.write([], to: "store.db")
        _ = try self.folder.write([1, 2, 3], to: "store.db-wal")
        #expect(openingError(path)?.code == .corrupted)
        #expect(try self.folder.bytes(of: "store.db-wal") == [1, 2, 3])
    }

    @Test("An empty file becomes a database")
    func emptyFile() async throws {
        let driver = try SQLiteDriver(path: try self.folder.write([], to: "store.db"))
        try await driver.set("key", "value")
        #expect(try await driver.text("key") == "value")
        try await driver.dispose()
    }

    @Test("A damaged page is an error of the call that meets it, and the others go on")
    func damagedPage() async throws {
        let driver = try SQLiteDriver(path: self.folder.file("store.db"))
        for number in 100..<400 { try await driver.set("key\(number)", String(repeating: "x", count: 1000)) }
        try await driver.dispose()
        var content = try self.folder.bytes(of: "store.db")
        let lastPage = content.count - 8192
        content.replaceSubrange(lastPage..<content.count, with: [UInt8](repeating: 0xA5, count: 8192))
        let damaged = try SQLiteDriver(path: try self.folder.write(content, to: "damaged.db"))
        var codes: Set<StorageError.Code> = []
        var readable = 0
        for number in 100..<400 {
            let code = await code { () throws(StorageError) in _ = try await damaged.getItem("key\(number)") }
            if let code { codes.insert(code) } else { readable += 1 }
        }
        #expect(codes == [.corrupted])
        #expect(readable > 250)
        try await damaged.dispose()
    }
}
