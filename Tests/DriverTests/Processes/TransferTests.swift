import ChildProcess
import KVStorage
import Testing

/// What commits of several keys promise between processes, on every store that several may have open.
@Suite("Several processes: commits", .tags(.processes), .timeLimit(.minutes(5)))
struct TransferTests {
    /// What all accounts hold together.
    private static let total = 100_000
    private static let keys = (0..<100).map { "account:\($0)" }

    let folder: TemporaryFolder
    let path: String

    init() throws {
        self.folder = try TemporaryFolder()
        self.path = self.folder.file("store")
    }

    @Test(
        "Transfers between accounts keep their sum, also when processes are killed in the middle of them",
        arguments: [
            ProcessStore.sqlite.with("patient"), .sqlite.with("processCrash,patient"),
            .lmdb, .lmdb.with("unflushed,tiny"), .files.with("patient"),
        ]
    )
    func transfers(store: ProcessStore) async throws {
        let driver = try store.open(self.path)
        let balance = bytes("\(Self.total / Self.keys.count)")
        _ = try await driver.apply(
            Self.keys.map { .set(key: $0, value: balance, options: WriteOptions()) })
        let processes = try (0..<3).map { _ in
            try ChildProcess(storage: ["transfer", store.name(at: self.path), "4 40"])
        }
        for round in 1...2 {
            let victim = try ChildProcess(storage: ["transfer", store.name(at: self.path), "4 1000000"])
            // Each dies at another moment.
            for _ in 0..<(round * 17) { try #require(await victim.line() == "moved") }
            victim.kill()
            _ = await victim.status()
            try await self.check(driver)
        }
        for process in processes {
            #expect(await process.lines().count == 160)
            #expect(await process.status() == 0)
        }
        try await self.check(driver)
        try await driver.dispose()
        // Nothing is left to be completed later either.
        let again = try store.open(self.path)
        let sum = try await self.sum(again)
        #expect(sum == Self.total)
        #expect(Set(try await again.allKeys()) == Set(Self.keys))
        try await again.dispose()
        try store.checkDisk(self.path, Self.keys.count)
    }

    /// While others write, the sum is right at every moment where reads are of one.
    private func check(_ driver: any StorageDriver) async throws {
        guard driver.capabilities.contains(.wholeReads) else { return }
        for _ in 0..<20 {
            let sum = try await self.sum(driver)
            #expect(sum == Self.total)
        }
    }

    private func sum(_ driver: any StorageDriver) async throws -> Int {
        try await driver.getEntries(Self.keys).reduce(0) { sum, entry in
            sum + (Int(String(decoding: try #require(entry).value, as: UTF8.self)) ?? .min / 1000)
        }
    }
}
