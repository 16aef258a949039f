import KVStorage
import KVStorageFiles
import KVStorageLMDB
import KVStorageRedis
import KVStorageSQLite
import Workloads

extension Row {
    /// One transaction that moves something between two of 100 items, against two updates that do so without being one step.
    static var transactions: [Row] {
        [
            self.transaction("memory", goal: 1.5, operations: 20_000) { _ in Storage(.memory) },
            self.transaction("files", goal: 2.5, operations: 2000) { Storage(try .files(at: $0.newPath())) },
            self.transaction("sqlite", goal: 0.8, operations: 2000) { Storage(try .sqlite(at: $0.newPath())) },
            self.transaction("lmdb", goal: 0.8, operations: 2000) { Storage(try .lmdb(at: $0.newPath())) },
            Row(name: "redis transaction", goal: 1.2) {
                let server = try RedisServer()
                return try await self.transfers("redis", operations: 10_000, finally: server.stop) { scratch in
                    var configuration = RedisDriver.Configuration()
                    // Each side has keys of its own on the one server.
                    configuration.prefix = scratch.newPath().split(separator: "/").last.map(String.init) ?? ""
                    return Storage(try .redis("redis://127.0.0.1:\(server.port)", configuration))
                }
            },
        ]
    }

    private static func transaction(
        _ driver: String,
        goal: Double,
        operations: Int,
        _ makeStorage: @escaping @Sendable (Scratch) throws -> Storage
    ) -> Row {
        Row(name: "\(driver) transaction", goal: goal) {
            try await self.transfers(driver, operations: operations, makeStorage)
        }
    }

    private static func transfers(
        _ driver: String,
        operations: Int,
        finally end: @escaping @Sendable () -> Void = {},
        _ makeStorage: (Scratch) throws -> Storage
    ) async throws -> Contest {
        let folder = try Scratch(driver)
        let (subject, baseline) = (try makeStorage(folder), try makeStorage(folder))
        let accounts = Accounts(count: 100)
        for storage in [subject, baseline] { try await accounts.fill(storage) }
        return Contest(
            subject: accounts.transactions(subject, operations: operations, tasks: 64),
            baseline: accounts.updates(baseline, operations: operations, tasks: 64),
            check: {
                let balances = try await accounts.balances(subject)
                guard try await accounts.balances(baseline) == balances, balances.reduce(0, +) == accounts.total else {
                    throw UnequalWork(description: "subject and baseline have moved different amounts")
                }
            },
            tearDown: {
                try await subject.dispose()
                try await baseline.dispose()
                try folder.remove()
                end()
            }
        )
    }
}
