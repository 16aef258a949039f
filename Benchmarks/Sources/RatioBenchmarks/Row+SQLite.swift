import KVStorage
import KVStorageSQLite
import Workloads

extension Row {
    /// The SQLite driver through `Storage`, raw bytes, against C with the same table and settings.
    static var sqlite: [Row] {
        var exclusive = SQLiteDriver.Configuration()
        exclusive.exclusive = true
        var rows: [Row] = []
        for (sizeName, size) in [("100 B", 100), ("1 KiB", 1024)] {
            rows += [
                Row(name: "sqlite get \(sizeName)", goal: 1.15) { try await self.sqliteGets(size) },
                Row(name: "sqlite get \(sizeName), exclusive", goal: 0.6) { [exclusive] in
                    try await self.sqliteGets(size, exclusive)
                },
                Row(name: "sqlite set \(sizeName), 1 writer", goal: 1.1) {
                    try await self.sqliteSets(size, writers: 1, operations: 2000)
                },
                Row(name: "sqlite set \(sizeName), 64 writers", goal: 1.0 / 6) {
                    try await self.sqliteSets(size, writers: 64, operations: 6400)
                },
                Row(name: "sqlite set \(sizeName), 256 writers", goal: 1.0 / 8) {
                    try await self.sqliteSets(size, writers: 256, operations: 6400)
                },
            ]
        }
        return rows + [
            self.listing("sqlite", goal: 3) { folder in Storage(try .sqlite(at: folder.newPath())) }
        ]
    }

    private static func sqliteGets(
        _ valueSize: Int,
        _ configuration: SQLiteDriver.Configuration = .init()
    ) async throws -> Contest {
        try await self.sqliteContest(valueSize, configuration) { storage, store, sample in
            (
                subject: .gets(storage, sample, operations: 20_000),
                baseline: .gets(store, sample, operations: 20_000)
            )
        }
    }

    /// Durable writes of several tasks; in C one transaction each, one after the other, which is all that the file's
    /// single writer allows.
    private static func sqliteSets(_ valueSize: Int, writers: Int, operations: Int) async throws -> Contest {
        try await self.sqliteContest(valueSize, .init()) { storage, store, sample in
            (
                subject: .sets(storage, sample, operations: operations, tasks: writers),
                baseline: .sets(store, sample, operations: operations)
            )
        }
    }

    private static func sqliteContest(
        _ valueSize: Int,
        _ configuration: SQLiteDriver.Configuration,
        _ workloads: Workloads<SQLiteStore>
    ) async throws -> Contest {
        let sample = Sample(valueSize: valueSize)
        return try await self.contest(
            "sqlite",
            sample,
            storage: { try await Storage(try .sqlite(at: $0.newPath(), configuration)).filled(sample) },
            baseline: { try SQLiteStore(path: $0.newPath(), sample) },
            measuring: workloads
        )
    }
}
