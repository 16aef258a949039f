import ChildProcess
import Foundation
import KVStorage
import KVStorageLMDB
import Testing

@Suite("LMDB: what may lie in the place of the environment")
struct LMDBBadFileTests {
    let folder: TemporaryFolder

    init() throws {
        self.folder = try TemporaryFolder()
    }

    @Test("A path that names no folder is refused", arguments: ["", "a\0b"])
    func badPath(path: String) {
        #expect(lmdbOpeningError(path)?.code == .invalidOption)
    }

    @Test("A missing parent folder is named and not made")
    func missingParent() throws {
        let error = lmdbOpeningError(self.folder.file("missing/store"))
        #expect(error?.code == .invalidOption)
        #expect(error?.message.contains("missing") == true)
        #expect(error?.message.contains("create it") == true)
        #expect(try self.folder.names.isEmpty)
    }

    @Test("A file in the place of the folder is refused and untouched")
    func fileAtPath() throws {
        let path = try self.folder.write(bytes("notes"), to: "store")
        #expect(lmdbOpeningError(path)?.code == .invalidOption)
        #expect(try self.folder.bytes(of: "store") == bytes("notes"))
    }

    @Test("A folder in the place of a file is refused", arguments: ["data.mdb", "lock.mdb"])
    func folderInFolder(name: String) throws {
        try FileManager.default.createDirectory(atPath: self.folder.file(name), withIntermediateDirectories: false)
        #expect(lmdbOpeningError(self.folder.path)?.code == .invalidOption)
        #expect(try self.folder.names == [name])
    }

    @Test(
        "A file that is no environment is refused and untouched, and nothing is put beside it",
        arguments: ["hello", String(repeating: "a line of text, ", count: 1000)]
    )
    func textFile(content: String) throws {
        _ = try self.folder.write(bytes(content), to: "data.mdb")
        #expect(lmdbOpeningError(self.folder.path)?.code == .incompatibleFormat)
        #expect(try self.folder.bytes(of: "data.mdb") == bytes(content))
        #expect(try self.folder.names == ["data.mdb"])
    }

    @Test("An empty file becomes an environment")
    func emptyFile() async throws {
        _ = try self.folder.write([], to: "data.mdb")
        let driver = try LMDBDriver(path: self.folder.path)
        try await driver.set("key", "value")
        #expect(try await driver.text("key") == "value")
        try await driver.dispose()
    }

    @Test("LMDB's own data format of another version is refused and untouched")
    func otherVersion() async throws {
        var content = try await self.environment(items: 1)
        content[20] = 2
        _ = try self.folder.write(content, to: "data.mdb")
        #expect(lmdbOpeningError(self.folder.path)?.code == .incompatibleFormat)
        #expect(try self.folder.bytes(of: "data.mdb") == content)
    }

    @Test(
        "A file that was cut off is refused and untouched",
        arguments: [100, 152, 4096, 8192, 20_000, 100_000, -30_000])
    func truncatedFile(length: Int) async throws {
        let whole = try await self.environment(items: 200)
        #expect(whole.count > 200_000)
        let cut = Array(whole.prefix(length < 0 ? whole.count + length : length))
        _ = try self.folder.write(cut, to: "data.mdb")
        let error = lmdbOpeningError(self.folder.path)
        #expect(error?.code == (length < 152 && length > 0 ? .incompatibleFormat : .corrupted))
        #expect(try self.folder.bytes(of: "data.mdb") == cut)
        #expect(try self.folder.names == ["data.mdb"])
    }

    @Test("A file that lacks nothing but free pages at its end is whole")
    func freePagesMissing() async throws {
        let path = self.folder.file("store")
        let driver = try LMDBDriver(path: path)
        try await driver.set("stays", "value")
        // In pages of its own at the end of the file, given back before the file is closed.
        try await driver.setItem("large", [UInt8](repeating: 7, count: 1_000_000), WriteOptions())
        _ = try await driver.removeItem("large")
        // What was written behind it moves to the front.
        for number in 0..<20 { try await driver.set("key\(number)", "value") }
        try await driver.dispose()
        let whole = try self.folder.bytes(of: "store/data.mdb")
        #expect(whole.count > 1_000_000)
        _ = try self.folder.write(Array(whole.prefix(500_000)), to: "store/data.mdb")
        let again = try LMDBDriver(path: path)
        #expect(try await again.text("stays") == "value")
        try await again.setItem("large", [UInt8](repeating: 8, count: 2_000_000), WriteOptions())
        #expect(try await again.getItem("large") == [UInt8](repeating: 8, count: 2_000_000))
        try await again.dispose()
    }

    @Test(
        "A page that was overwritten is refused if it is in use, and never followed",
        .tags(.processes),
        arguments: ["zeros", "text", "noise"]
    )
    func overwrittenPage(by kind: String) async throws {
        let whole = try await self.environment(items: 150)
        var random = SplitMix(state: 7)
        var refused = 0
        let pages = Array(stride(from: 2, to: whole.count / 4096, by: 2))
        for page in pages {
            var content = whole
            for offset in 0..<4096 {
                content[page * 4096 + offset] =
                    switch kind {
                    case "zeros": 0
                    case "text": bytes("A line of text.\n")[offset % 16]
                    default: UInt8(truncatingIfNeeded: random.next())
                    }
            }
            _ = try self.folder.write(content, to: "data.mdb")
            // In a process of its own, which LMDB may end.
            let process = try ChildProcess(storage: ["list", "lmdb:\(self.folder.path)"])
            let lines = await process.lines()
            let status = await process.status()
            if status == 1 {
                refused += 1
                #expect(lines == ["error corrupted"])
                #expect(try self.folder.bytes(of: "data.mdb") == content)
            } else {
                #expect(status == 0 && lines == ["150"], "page \(page)")
            }
        }
        #expect(refused > pages.count / 2)
    }

    @Test("Bytes that were changed here and there never end the process", .tags(.processes))
    func changedBytes() async throws {
        let whole = try await self.environment(items: 150)
        var random = SplitMix(state: 11)
        for round in 0..<60 {
            var content = whole
            for _ in 0..<40 {
                // Half of them among the first bytes of a page, where its layout is written.
                let offset = Int(random.next() % UInt64(content.count))
                content[round.isMultiple(of: 2) ? offset : offset / 4096 * 4096 + offset % 64] ^=
                    1 << (random.next() % 8)
            }
            _ = try self.folder.write(content, to: "data.mdb")
            let process = try ChildProcess(storage: ["list", "lmdb:\(self.folder.path)"])
            let lines = await process.lines()
            #expect((0...1).contains(await process.status()), "round \(round): \(lines)")
            #expect(lines.count == 1)
        }
    }

    @Test("A folder without permission is refused as such", .tags(.processes))
    func permission() async throws {
        let path = self.folder.file("store")
        try await LMDBDriver(path: path).dispose()
        try self.folder.setPermissions(0o755, of: self.folder.path)
        try self.folder.setPermissions(0o555, of: path)
        let process = try ChildProcess(storage: ["probe", "lmdb:\(path)"], unprivileged: true)
        #expect(await process.lines() == ["error permissionDenied"])
        #expect(await process.status() == 1)
    }

    /// Returns the file of an environment with so many items, small ones and large ones, with and without a lifetime.
    private func environment(items: Int) async throws -> [UInt8] {
        let other = try TemporaryFolder()
        let driver = try LMDBDriver(path: other.path, configuration: lmdbConfiguration { $0.durability = .unflushed })
        for number in 0..<items {
            let value = String(repeating: "x", count: number.isMultiple(of: 50) ? 10_000 : 1000)
            try await driver.set("key\(number)", value, ttl: number.isMultiple(of: 3) ? .seconds(1000) : .forever)
        }
        try await driver.dispose()
        return try other.bytes(of: "data.mdb")
    }
}
