import Foundation
import KVStorage
import KVStorageLMDB
import Testing

@Suite("LMDB: kill -9 and a full disk", .timeLimit(.minutes(2)))
struct LMDBCrashTests {
    let folder: TemporaryFolder
    let path: String

    init() throws {
        self.folder = try TemporaryFolder()
        self.path = self.folder.file("store")
    }

    @Test(
        "What was acknowledged is there after the writer was killed, and the store can be read",
        .tags(.processes),
        arguments: [("", 20), ("?noMetaSync", 5), ("?noSync,tiny", 5)]
    )
    func kill(options: String, rounds: Int) async throws {
        var acknowledged: [String] = []
        for round in 0..<rounds {
            let process = try HelperProcess(["crash-writer", "lmdb:\(self.path)\(options)", "64"])
            // Each round dies at another moment.
            var fresh: [String] = []
            while fresh.count < 20 + round * 37, let key = await process.line() { fresh.append(key) }
            process.kill()
            fresh += await process.lines()
            _ = await process.status()
            #expect(fresh.count >= 20 + round * 37)
            acknowledged += fresh

            let driver = try LMDBDriver(path: self.path)
            let values = try await driver.getItems(fresh)
            let lost = zip(fresh, values).filter { key, value in value != bytes("value of \(key)") }
            #expect(lost.isEmpty)
            try await driver.dispose()
        }
        // No later crash took what an earlier one had left; nothing is there by half.
        let driver = try LMDBDriver(path: self.path)
        let keys = try await driver.allKeys().filter { $0 != "run" }
        #expect(Set(keys).isSuperset(of: acknowledged))
        for (key, value) in zip(keys, try await driver.getItems(keys)) where value != bytes("value of \(key)") {
            Issue.record("\(key) is damaged")
        }
        try await driver.dispose()
        #expect(try Set(FileManager.default.contentsOfDirectory(atPath: self.path)) == ["data.mdb", "lock.mdb"])
    }

    @Test("A writer that is killed while others have the store open holds up none of them", .tags(.processes))
    func killBesideOthers() async throws {
        let driver = try LMDBDriver(path: self.path)
        for round in 0..<5 {
            let process = try HelperProcess(["crash-writer", "lmdb:\(self.path)", "64"])
            for _ in 0..<10 { #expect(await process.line() != nil) }
            async let write: Void = driver.set("mine", "\(round)")
            process.kill()
            try await write
            _ = await process.status()
            #expect(try await driver.text("mine") == "\(round)")
        }
        try await driver.dispose()
    }

    @Test(
        "On a full disk a write fails as full, and what was there stays", .tags(.processes), arguments: ["", "?noSync"])
    func full(options: String) async throws {
        let process = try HelperProcess(["fill", "lmdb:\(self.path)\(options)", "3000000"])
        let lines = await process.lines()
        #expect(await process.status() == 1)
        // In the process that saw the failure, too, writing goes on once there is room.
        #expect(lines.dropFirst() == ["again", "error full"])
        let count = try #require(lines.first.flatMap { Int($0) })
        #expect(count > 10)
        let driver = try LMDBDriver(path: self.path)
        #expect(try await driver.allKeys().count == count)
        let values = try await driver.getItems((0..<count).map { "item:\($0)" })
        #expect(values.allSatisfy { $0 == [UInt8](repeating: 7, count: 10_000) })
        // With room again, writing goes on.
        try await driver.set("more", "value")
        try await driver.dispose()
    }
}
