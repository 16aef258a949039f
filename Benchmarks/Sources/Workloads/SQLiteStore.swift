import CBaselines
import Synchronization

/// SQLite by hand, in C, behind one lock: see `SQLiteBaseline.h`.
package final class SQLiteStore: Baseline {
    // Safe to share: used under the lock only.
    nonisolated(unsafe) private let handle: OpaquePointer
    private let lock = Mutex(())

    /// Creates a database that holds copies of all items of the sample.
    package init(path: String, _ sample: Sample) throws {
        var handle: OpaquePointer?
        try Self.check(sqlite_baseline_open(path, &handle))
        guard let handle else { throw SQLiteStoreError(code: 0) }
        self.handle = handle
        let items = sample.copies()
        for start in stride(from: 0, to: items.count, by: 1000) {
            try Self.check(sqlite_baseline_begin(handle))
            for (key, value) in items[start..<min(start + 1000, items.count)] { try self.set(key, value) }
            try Self.check(sqlite_baseline_commit(handle))
        }
    }

    deinit {
        sqlite_baseline_close(self.handle)
    }

    package func set(_ key: String, _ value: [UInt8]) throws {
        let code = key.withCharacters { key, count in
            value.withUnsafeBytes { value in
                self.lock.withLock { _ in
                    sqlite_baseline_set(self.handle, key, count, value.baseAddress, value.count)
                }
            }
        }
        try Self.check(code)
    }

    /// Calls the body with C's copy of the value, which is freed afterwards; `nil` if there is none.
    package func get<Result>(_ key: String, _ body: (UnsafeRawBufferPointer) -> Result) throws -> Result? {
        var value: UnsafeMutableRawPointer?
        var count = 0
        let code = key.withCharacters { key, keyCount in
            self.lock.withLock { _ in sqlite_baseline_get(self.handle, key, keyCount, &value, &count) }
        }
        try Self.check(code)
        defer { value?.deallocate() }
        return value.map { body(UnsafeRawBufferPointer(start: $0, count: count)) }
    }

    package func value(_ key: String) throws -> [UInt8]? { try self.get(key) { Array($0) } }

    private static func check(_ code: Int32) throws {
        guard code == 0 else { throw SQLiteStoreError(code: code) }
    }
}

/// A result code of SQLite that was not expected.
struct SQLiteStoreError: Error {
    let code: Int32
}

extension Workload {
    /// Reads items of the sample.
    package static func gets(_ store: SQLiteStore, _ sample: Sample, operations: Int) -> Workload {
        Workload(operations: operations) { slice, pass in
            var sum = 0
            for index in slice {
                let key = sample.keys[sample.position(index, pass: pass, of: operations)]
                sum &+= try store.get(key) { $0.count &+ Int($0.first ?? 0) } ?? 0
            }
            return sum
        }
    }

    /// Stores items of the sample, each in a transaction of its own.
    package static func sets(_ store: SQLiteStore, _ sample: Sample, operations: Int) -> Workload {
        Workload(operations: operations) { slice, pass in
            for index in slice {
                let position = sample.position(index, pass: pass, of: operations)
                try store.set(sample.keys[position], sample.value(position, pass: pass))
            }
            return slice.count
        }
    }
}
