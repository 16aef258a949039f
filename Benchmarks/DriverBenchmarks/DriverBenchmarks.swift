import Benchmark
import KVStorage
import KVStorageFiles
import KVStorageLMDB
import KVStorageSQLite
import Workloads

let benchmarks: @Sendable () -> Void = {
    // Only these two: allocation and instruction counts read 0 without their libraries, CPU time has steps of 10 ms.
    Benchmark.defaultConfiguration = .init(
        metrics: [.wallClock, .throughput],
        warmupIterations: 1,
        maxDuration: .seconds(2),
        maxIterations: 1000
    )
    benchmarkDriver("memory") { Storage(.memory) }
    benchmarkDriver("files") { Storage(try .files(at: Scratch("detail").newPath())) }
    benchmarkDriver("sqlite") { Storage(try .sqlite(at: Scratch("detail").newPath())) }
    benchmarkDriver("lmdb") { Storage(try .lmdb(at: Scratch("detail").newPath())) }
}

/// Reads and writes values of 1 KiB through `Storage`, a thousand times in each iteration.
private func benchmarkDriver(_ name: String, _ makeStorage: @escaping @Sendable () async throws -> Storage) {
    let configuration = Benchmark.Configuration(
        metrics: Benchmark.defaultConfiguration.metrics,
        warmupIterations: Benchmark.defaultConfiguration.warmupIterations,
        scalingFactor: .kilo,
        maxDuration: Benchmark.defaultConfiguration.maxDuration,
        maxIterations: Benchmark.defaultConfiguration.maxIterations
    )
    for (kind, tasks) in [("get", 1), ("get", 8), ("set", 1), ("set", 8)] {
        Benchmark(
            "\(name) \(kind) 1 KiB, \(tasks == 1 ? "1 task" : "\(tasks) tasks")",
            configuration: configuration,
            closure: { benchmark, workload in
                blackHole(try await workload.run(pass: benchmark.currentIteration))
            },
            setup: {
                let sample = Sample(valueSize: 1024)
                let storage = try await makeStorage()
                try await storage.fill(sample)
                return kind == "get"
                    ? Workload.gets(storage, sample, operations: 1000, tasks: tasks)
                    : Workload.sets(storage, sample, operations: 1000, tasks: tasks)
            }
        )
    }
}
