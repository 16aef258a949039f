import Foundation
import KVStorage
import KVStorageSQLite
import KVStorageTesting
import Testing

@Suite("SQLite: files that others link, move or replace", .timeLimit(.minutes(5)))
struct SQLiteReplacedFileTests {
    let folder: TemporaryFolder
    let clock = ManualClock()
    let path: String

    init() async throws {
        self.folder = try TemporaryFolder()
        self.path = self.folder.file("store.db")
        let driver = try SQLiteDriver(path: self.path)
        try await driver.set("key", "value")
        try await driver.dispose()
    }

    private func driver(readOnly: Bool = false) throws -> SQLiteDriver {
        try SQLiteDriver(
            path: self.path,
            configuration: configuration {
                $0.clock = self.clock
                $0.readOnly = readOnly
            }
        )
    }

    /// Lets a minute pass and waits until the driver has looked at its file.
    private func read(_ driver: SQLiteDriver, until isExpected: (StorageError?) -> Bool) async throws -> StorageError? {
        self.clock.advance(by: .seconds(60))
        let end = ContinuousClock.now + .seconds(60)
        while true {
            var failure: StorageError?
            do throws(StorageError) { _ = try await driver.getItem("key") } catch { failure = error }
            if isExpected(failure) || ContinuousClock.now > end { return failure }
            await Task.yield()
        }
    }

    @Test("A file with a second name is refused", arguments: [false, true])
    func linked(readOnly: Bool) throws {
        let other = self.folder.file("link.db")
        try FileManager.default.linkItem(atPath: self.path, toPath: other)
        for path in [self.path, other] {
            let error = openingError(path) { $0.readOnly = readOnly }
            #expect(error?.code == .unavailable)
            #expect(error?.message.contains("hard links") == true)
        }
        try FileManager.default.removeItem(atPath: other)
        #expect(openingError(self.path) == nil)
    }

    @Test("A second name given while it is open is noticed, and that it is gone again", arguments: [false, true])
    func linkedLater(readOnly: Bool) async throws {
        let driver = try self.driver(readOnly: readOnly)
        let other = self.folder.file("link.db")
        try FileManager.default.linkItem(atPath: self.path, toPath: other)
        let error = try await self.read(driver) { $0 != nil }
        #expect(error?.code == .unavailable)
        #expect(error?.message.contains("hard links") == true)
        try FileManager.default.removeItem(atPath: other)
        #expect(try await self.read(driver) { $0 == nil } == nil)
        #expect(try await driver.text("key") == "value")
        try await driver.dispose()
    }

    private enum Change: CaseIterable {
        case deleted, moved, replaced

        func make(_ path: String) throws {
            let files = FileManager.default
            switch self {
            case .deleted: try files.removeItem(atPath: path)
            case .moved: try files.moveItem(atPath: path, toPath: path + ".old")
            case .replaced:
                try files.copyItem(atPath: path, toPath: path + ".new")
                try files.removeItem(atPath: path)
                try files.moveItem(atPath: path + ".new", toPath: path)
            }
        }
    }

    @Test("A file that is no longer the one that was opened takes no more writes", arguments: Change.allCases)
    private func replaced(change: Change) async throws {
        let driver = try self.driver()
        try change.make(self.path)
        let error = try await self.read(driver) { $0 != nil }
        #expect(error?.code == .unavailable)
        #expect(error?.message.contains("restoring") == true)
        #expect(await code { () throws(StorageError) in try await driver.set("key", "lost") } == .unavailable)
        #expect(await code { () throws(StorageError) in _ = try await driver.getKeys(KeyQuery()) } == .unavailable)
        #expect(await code { () throws(StorageError) in _ = try await driver.verify() } == .unavailable)
        try await driver.dispose()
        #expect(await code { () throws(StorageError) in _ = try await driver.getItem("key") } == .closed)
        // What is at the path by now is as it was put there.
        guard change == .replaced else { return }
        let restored = try self.driver()
        #expect(try await restored.text("key") == "value")
        try await restored.dispose()
    }

    @Test("A file that is put back is used again")
    func putBack() async throws {
        let driver = try self.driver()
        try await driver.set("key", "new")
        try FileManager.default.moveItem(atPath: self.path, toPath: self.path + ".old")
        #expect(try await self.read(driver) { $0 != nil }?.code == .unavailable)
        try FileManager.default.moveItem(atPath: self.path + ".old", toPath: self.path)
        #expect(try await self.read(driver) { $0 == nil } == nil)
        #expect(try await driver.text("key") == "new")
        try await driver.set("key", "newer")
        try await driver.dispose()
    }

    @Test("No connection is opened to a file that has taken the place of the first", .timeLimit(.minutes(1)))
    func laterConnection() async throws {
        let driver = try self.driver()
        try Change.replaced.make(self.path)
        try RawDatabase(self.path).run("UPDATE kvstorage SET value = x'00'")
        // Many at once, so that more than the one connection is asked for.
        let answers = await withTaskGroup(of: String?.self) { group in
            for _ in 0..<64 { group.addTask { try? await driver.text("key") } }
            return await group.reduce(into: Set<String>()) { answers, answer in
                if let answer { answers.insert(answer) }
            }
        }
        #expect(answers.isSubset(of: ["value"]))
        try await driver.dispose()
    }
}
