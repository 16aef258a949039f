import KVStorage
import KVStorageRedis
import Workloads

extension Row {
    /// The Redis driver through `Storage`, raw bytes, against hiredis by hand with as many commands on their way as ours
    /// has tasks: one after the other, or that many appended and then that many replies read.
    static var redis: [Row] {
        var rows: [Row] = []
        for (sizeName, size) in [("100 B", 100), ("1 KiB", 1024)] {
            for (tasks, goal, operations) in [
                (1, 1.4, 4_000), (8, 1.5, 24_000), (64, 1.5, 64_000), (256, 1.5, 102_400),
            ] {
                let tasksName = tasks == 1 ? "1 task" : "\(tasks) tasks"
                rows += [
                    Row(name: "redis get \(sizeName), \(tasksName)", goal: goal) {
                        try await self.redisContest(size) { storage, store, sample in
                            (
                                subject: .gets(storage, sample, operations: operations, tasks: tasks),
                                baseline: .gets(store, sample, operations: operations, depth: tasks)
                            )
                        }
                    },
                    Row(name: "redis set \(sizeName), \(tasksName)", goal: goal) {
                        try await self.redisContest(size) { storage, store, sample in
                            (
                                subject: .sets(storage, sample, operations: operations, tasks: tasks),
                                baseline: .sets(store, sample, operations: operations, depth: tasks)
                            )
                        }
                    },
                ]
                guard tasks >= 64 else { continue }
                rows.append(
                    Row(name: "redis set \(sizeName), \(tasksName), no metadata", goal: goal) {
                        try await self.redisContest(size, customMetadata: false) { storage, store, sample in
                            (
                                subject: .sets(storage, sample, operations: operations, tasks: tasks),
                                baseline: .sets(store, sample, operations: operations, depth: tasks)
                            )
                        }
                    })
            }
        }
        return rows
    }

    /// Both sides work on the same server, and the same keys.
    private static func redisContest(
        _ valueSize: Int,
        customMetadata: Bool = true,
        _ workloads: Workloads<RedisStore>
    ) async throws -> Contest {
        let sample = Sample(valueSize: valueSize)
        let server = try RedisServer()
        var configuration = RedisDriver.Configuration()
        configuration.customMetadata = customMetadata
        let url = "redis://127.0.0.1:\(server.port)"
        return try await self.contest(
            "redis",
            sample,
            storage: { _ in try await Storage(try .redis(url, configuration)).filled(sample) },
            baseline: { _ in try RedisStore(port: server.port) },
            finally: server.stop,
            measuring: workloads
        )
    }
}
