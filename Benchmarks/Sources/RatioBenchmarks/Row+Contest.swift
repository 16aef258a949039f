import KVStorage
import Workloads

extension Row {
    /// What is to be measured of a filled storage and a filled baseline.
    typealias Workloads<Store: Baseline> = (Storage, Store, Sample) -> (subject: Workload, baseline: Workload)

    /// A driver through `Storage` against a store by hand, each filled with the sample; afterwards both have to hold the same.
    static func contest<Store: Baseline>(
        _ driver: String,
        _ sample: Sample,
        storage makeStorage: (_ folder: Scratch) async throws -> Storage,
        baseline makeBaseline: (_ folder: Scratch) throws -> Store,
        finally end: @escaping @Sendable () -> Void = {},
        measuring workloads: Workloads<Store>
    ) async throws -> Contest {
        let folder = try Scratch(driver)
        let storage = try await makeStorage(folder)
        let store = try makeBaseline(folder)
        let (subject, baseline) = workloads(storage, store, sample)
        return Contest(
            subject: subject,
            baseline: baseline,
            check: {
                for (key, first) in zip(sample.keys, sample.values) {
                    let value = try await storage.getItemRaw(key)
                    guard let value, value.count == first.count, try store.value(key) == value else {
                        throw UnequalWork(description: "subject and baseline hold different values under \(key)")
                    }
                }
            },
            tearDown: {
                try await storage.dispose()
                try folder.remove()
                end()
            }
        )
    }
}
