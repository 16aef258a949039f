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
        _ workloads: (Storage, FilesBaseline, Sample) -> (subject: Workload, baseline: Workload)
    ) async throws -> Contest {
        // Each key has a folder of its own: as many as elsewhere would take longer to make than to measure.
        let sample = Sample(count: 10_000, valueSize: valueSize)
        let folder = try Scratch("files")
        let path = folder.newPath()
        // Filled without flushing, which would take minutes.
        let filling = Storage(try .files(at: path))
        try await filling.fill(sample)
        try await filling.dispose()
        let storage = Storage(try .files(at: path, .init(durability: durability)))
        let store = try FilesBaseline(path: folder.newPath(), sample, isDurable: durability == .powerLoss)
        let (subject, baseline) = workloads(storage, store, sample)
        return Contest(
            subject: subject,
            baseline: baseline,
            check: {
                for key in sample.keys {
                    let value = try await storage.getItemRaw(key)
                    guard let value, value.count == valueSize, try store.get(key, { Array($0) }) == value else {
                        throw UnequalWork(description: "subject and baseline hold different values under \(key)")
                    }
                }
            },
            tearDown: {
                try await storage.dispose()
                try folder.remove()
            }
        )
    }
}
