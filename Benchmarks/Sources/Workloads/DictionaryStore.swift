import Synchronization

/// The least that a store in memory can be: a dictionary under one lock, called without `async`.
package final class DictionaryStore: Baseline {
    private let items: Mutex<[String: [UInt8]]>

    package init(_ sample: Sample) {
        self.items = Mutex(Dictionary(uniqueKeysWithValues: sample.copies().map { ($0.key, $0.value) }))
    }

    package func get(_ key: String) -> [UInt8]? {
        self.items.withLock { $0[key] }
    }

    package func value(_ key: String) -> [UInt8]? { self.get(key) }

    package func set(_ key: String, _ value: [UInt8]) {
        self.items.withLock { $0[key] = value }
    }
}

extension Workload {
    /// Reads items of the sample.
    package static func gets(_ store: DictionaryStore, _ sample: Sample, tasks: Int) -> Workload {
        Workload(operations: sample.keys.count, tasks: tasks) { slice, pass in
            var sum = 0
            for index in slice {
                let position = sample.position(index, pass: pass, of: sample.keys.count)
                guard let value = store.get(sample.keys[position]) else { continue }
                sum &+= checksum(value)
            }
            return sum
        }
    }

    /// Stores items of the sample, another value in each pass.
    package static func sets(_ store: DictionaryStore, _ sample: Sample, tasks: Int) -> Workload {
        Workload(operations: sample.keys.count, tasks: tasks) { slice, pass in
            for index in slice {
                let position = sample.position(index, pass: pass, of: sample.keys.count)
                store.set(sample.keys[position], sample.value(position, pass: pass))
            }
            return slice.count
        }
    }
}
