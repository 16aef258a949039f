import KVStorage
import Workloads

extension Row {
    /// The memory driver through `Storage`, raw bytes, against a dictionary under one lock.
    static var memory: [Row] {
        let sizes = [("100 B", 100), ("1 KiB", 1024)]
        let taskCounts = [(1, 1.5), (2, 1.0), (8, 1.0)]
        var rows: [Row] = []
        for (sizeName, size) in sizes {
            for (tasks, goal) in taskCounts {
                rows.append(
                    Row(name: "memory get \(sizeName), \(tasks == 1 ? "1 task" : "\(tasks) tasks")", goal: goal) {
                        try await self.memoryContest(size) { storage, dictionary, sample in
                            (.gets(storage, sample, tasks: tasks), .gets(dictionary, sample, tasks: tasks))
                        }
                    })
                rows.append(
                    Row(name: "memory set \(sizeName), \(tasks == 1 ? "1 task" : "\(tasks) tasks")", goal: goal) {
                        try await self.memoryContest(size) { storage, dictionary, sample in
                            (.sets(storage, sample, tasks: tasks), .sets(dictionary, sample, tasks: tasks))
                        }
                    })
            }
        }
        return rows + [self.memoryKeys]
    }

    private static func memoryContest(
        _ valueSize: Int,
        _ workloads: Workloads<DictionaryStore>
    ) async throws -> Contest {
        let sample = Sample(valueSize: valueSize)
        return try await self.contest(
            "memory",
            sample,
            storage: { _ in try await Storage(.memory).filled(sample) },
            baseline: { _ in DictionaryStore(sample) },
            measuring: workloads
        )
    }

    private static var memoryKeys: Row {
        self.listing("memory", goal: 3) { _ in Storage(.memory) }
    }
}
