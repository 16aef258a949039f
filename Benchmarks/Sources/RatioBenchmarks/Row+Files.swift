import KVStorage
import KVStorageFiles
import Workloads

extension Row {
    /// The file system driver through `Storage`, raw bytes, against C with the same paths and flushes.
    ///
    /// A set replaces an item that is there.
    static var files: [Row] {
        var rows: [Row] = []
        for (sizeName, size) in [("100 B", 100), ("1 KiB", 1024)] {
            rows += [
                Row(name: "files get \(sizeName)", goal: 1.3) {
                    try await self.filesContest(size, .processCrash) { storage, store, sample in
                        (
                            subject: .gets(storage, sample, operations: 10_000),
                            baseline: .gets(store, sample, operations: 10_000)
                        )
                    }
                },
                Row(name: "files set \(sizeName)", goal: 1.2) {
                    try await self.filesSets(size, .processCrash, operations: 2000)
                },
                Row(name: "files set \(sizeName), durable", goal: 1.2) {
                    try await self.filesSets(size, .powerLoss, operations: 200)
                },
            ]
        }
        return rows
    }

    private static func filesSets(
        _ valueSize: Int,
        _ durability: FilesDriver.Durability,
        operations: Int
    ) async throws -> Contest {
        try await self.filesContest(valueSize, durability) { storage, store, sample in
            (
                subject: .sets(storage, sample, operations: operations),
                baseline: .sets(store, sample, operations: operations)
            )
        }
    }

    private static func filesContest(
        _ valueSize: Int,
        _ durability: FilesDriver.Durability,
        _ workloads: Workloads<FilesBaseline>
    ) async throws -> Contest {
        // Each key has a folder of its own: as many as elsewhere would take longer to make than to measure.
        let sample = Sample(count: 10_000, valueSize: valueSize)
        return try await self.contest(
            "files",
            sample,
            storage: { folder in
                let path = folder.newPath()
                // Filled without flushing, which would take minutes.
                try await Storage(try .files(at: path)).filled(sample).dispose()
                return Storage(try .files(at: path, .init(durability: durability)))
            },
            baseline: { try FilesBaseline(path: $0.newPath(), sample, isDurable: durability == .powerLoss) },
            measuring: workloads
        )
    }
}
