import KVStorage
import KVStorageLMDB
import Workloads

extension Row {
    /// The LMDB driver through `Storage`, raw bytes, against C on the same files.
    static var lmdb: [Row] {
        var rows: [Row] = []
        for (sizeName, size) in [("100 B", 100), ("1 KiB", 1024)] {
            rows.append(
                Row(name: "lmdb get \(sizeName)", goal: 1.25) {
                    try await self.lmdbContest(size) { storage, store, sample in
                        (subject: .gets(storage, sample), baseline: .gets(store, sample))
                    }
                })
            for (writers, operations, goal) in [(1, 2000, 1.1), (64, 6400, 1.0 / 10), (256, 6400, 1.0 / 18)] {
                rows.append(
                    Row(name: "lmdb set \(sizeName), \(writers == 1 ? "1 writer" : "\(writers) writers")", goal: goal) {
                        try await self.lmdbSets(size, writers: writers, operations: operations)
                    })
            }
        }
        return rows + [
            self.listing("lmdb", goal: 3) { folder in Storage(try .lmdb(at: folder.newPath())) }
        ]
    }

    /// Durable writes of several tasks; in C one transaction each, one after the other, which is all that the
    /// environment's single writer allows.
    private static func lmdbSets(_ valueSize: Int, writers: Int, operations: Int) async throws -> Contest {
        try await self.lmdbContest(valueSize) { storage, store, sample in
            (
                subject: .sets(storage, sample, operations: operations, tasks: writers),
                baseline: .sets(store, sample, operations: operations)
            )
        }
    }

    private static func lmdbContest(_ valueSize: Int, _ workloads: Workloads<LMDBStore>) async throws -> Contest {
        let sample = Sample(valueSize: valueSize)
        return try await self.contest(
            "lmdb",
            sample,
            storage: { try await Storage(try .lmdb(at: $0.newPath())).filled(sample) },
            baseline: { try LMDBStore(path: $0.newPath(), sample) },
            measuring: workloads
        )
    }
}
