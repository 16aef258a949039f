import ChildProcess
import KVStorage
import Testing

/// What holds between processes, and when one of them dies, on every store that several may have open.
@Suite("Several processes, kill -9, full disks", .tags(.processes), .timeLimit(.minutes(5)))
struct ProcessTests {
    let folder: TemporaryFolder
    let path: String

    init() throws {
        self.folder = try TemporaryFolder()
        self.path = self.folder.file("store")
    }

    @Test(
        "Four processes add 2,000 each to one item",
        arguments: [ProcessStore.sqlite.with("processCrash,patient"), .lmdb.with("unflushed"), .files.with("patient")],
        ["increment", "compare-and-swap"]
    )
    func addUp(store: ProcessStore, command: String) async throws {
        // All begin by making the same new store.
        let processes = try (0..<4).map { _ in try ChildProcess(storage: [command, store.name(at: self.path), "2000"]) }
        for process in processes {
            #expect(await process.lines() == [])
            #expect(await process.status() == 0)
        }
        let driver = try store.open(self.path)
        #expect(try await driver.text("counter") == "8000")
        try await driver.dispose()
        try store.checkDisk(self.path, 1)
    }

    @Test(
        "Processes that write durably wait for each other",
        arguments: [ProcessStore.sqlite.with("patient"), .lmdb, .files.with("durable,patient")]
    )
    func addUpDurably(store: ProcessStore) async throws {
        let processes = try (0..<3).map { _ in
            try ChildProcess(storage: ["increment", store.name(at: self.path), "300"])
        }
        for process in processes { #expect(await process.status() == 0) }
        let driver = try store.open(self.path)
        #expect(try await driver.text("counter") == "900")
        try await driver.dispose()
    }

    @Test(
        "What was acknowledged is there after the writer was killed, and nothing by half",
        arguments: [
            ProcessStore.sqlite, .sqlite.with("processCrash", rounds: 5), .sqlite.with("exclusive", rounds: 5),
            .lmdb, .lmdb.with("processCrash", rounds: 5), .lmdb.with("unflushed,tiny", rounds: 5),
            .files, .files.with("durable"),
        ]
    )
    func kill(store: ProcessStore) async throws {
        var acknowledged: [String] = []
        for round in 0..<store.rounds {
            let process = try ChildProcess(storage: ["crash-writer", store.name(at: self.path), "64"])
            // Each round dies at another moment.
            let leastCount = 10 + round * 7
            var fresh: [String] = []
            while fresh.count < leastCount, let key = await process.line() { fresh.append(key) }
            process.kill()
            fresh += await process.lines()
            _ = await process.status()
            #expect(fresh.count >= leastCount)
            acknowledged += fresh

            let driver = try store.open(self.path)
            let values = try await driver.getItems(fresh)
            let lost = zip(fresh, values).filter { key, value in value != bytes("value of \(key)") }
            #expect(lost.isEmpty)
            try await driver.dispose()
        }
        // No later crash took what an earlier one had left; nothing is there by half.
        let driver = try store.open(self.path)
        let keys = try await driver.allKeys().filter { $0 != "run" }
        #expect(Set(keys).isSuperset(of: acknowledged))
        for (key, value) in zip(keys, try await driver.getItems(keys)) where value != bytes("value of \(key)") {
            Issue.record("\(key) is damaged")
        }
        try await driver.dispose()
        try store.checkDisk(self.path, keys.count + 1)
    }

    @Test(
        "A writer that is killed while others have the store open holds up none of them",
        arguments: [ProcessStore.sqlite, .lmdb, .files]
    )
    func killBesideOthers(store: ProcessStore) async throws {
        let driver = try store.open(self.path)
        for round in 0..<5 {
            let process = try ChildProcess(storage: ["crash-writer", store.name(at: self.path), "64"])
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
        "On a full disk a write fails as full, what was there stays, and with room it goes on",
        arguments: [ProcessStore.sqlite, .sqlite.with("processCrash"), .lmdb, .lmdb.with("unflushed")]
    )
    func full(store: ProcessStore) async throws {
        let process = try ChildProcess(storage: ["fill", store.name(at: self.path), "3000000"])
        let lines = await process.lines()
        #expect(await process.status() == 1)
        // In the process that saw the failure, too, writing goes on once there is room.
        #expect(lines.dropFirst() == ["again", "error full"])
        let count = try #require(lines.first.flatMap { Int($0) })
        #expect(count > 10)
        let driver = try store.open(self.path)
        #expect(try await driver.allKeys().count == count)
        let values = try await driver.getItems((0..<count).map { "item:\($0)" })
        #expect(values.allSatisfy { $0 == [UInt8](repeating: 7, count: 10_000) })
        try await driver.set("more", "value")
        try await driver.dispose()
    }
}
