import KVStorage
import Testing

/// What transactions promise between processes, on every store that several may have open.
@Suite("Several processes: transactions", .tags(.processes), .timeLimit(TransferRun.limit))
struct TransferTests {
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
        try await TransferRun(store: store.name(at: self.path), driver: driver).run()
        try await driver.dispose()
        // Nothing is left to be completed later either.
        let again = try store.open(self.path)
        try await TransferRun(store: store.name(at: self.path), driver: again).check()
        #expect(Set(try await again.allKeys()) == Set(TransferRun.keys))
        try await again.dispose()
        try store.checkDisk(self.path, TransferRun.keys.count)
    }
}
