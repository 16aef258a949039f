import CBaselines
import Synchronization

/// hiredis by hand, over one connection: see `RedisBaseline.h`.
package final class RedisStore: Baseline {
    // Safe to share: used under the lock only.
    nonisolated(unsafe) private let handle: OpaquePointer
    private let lock = Mutex(())

    /// Connects to a server on this machine, which holds the sample already.
    package init(port: Int) throws {
        var handle: OpaquePointer?
        guard redis_baseline_open(Int32(port), &handle) == 0, let handle else { throw RedisStoreError() }
        self.handle = handle
    }

    deinit {
        redis_baseline_close(self.handle)
    }

    /// Reads the items, all commands first, and calls the body with each of C's copies, which is freed afterwards.
    func get(_ keys: some Collection<String>, _ body: (UnsafeRawBufferPointer) -> Void) throws {
        try self.lock.withLock { _ in
            for key in keys {
                let code = key.withCharacters { redis_baseline_append_get(self.handle, $0, $1) }
                guard code == 0 else { throw RedisStoreError() }
            }
            for _ in 0..<keys.count { try self.read(body) }
        }
    }

    /// Stores the items, all commands first, then reads the replies.
    func set(_ items: some Collection<(key: String, value: [UInt8])>) throws {
        try self.lock.withLock { _ in
            for (key, value) in items {
                let code = key.withCharacters { key, count in
                    value.withUnsafeBytes {
                        redis_baseline_append_set(self.handle, key, count, $0.baseAddress, $0.count)
                    }
                }
                guard code == 0 else { throw RedisStoreError() }
            }
            for _ in 0..<items.count { try self.read { _ in } }
        }
    }

    package func value(_ key: String) throws -> [UInt8]? {
        var value: [UInt8]?
        try self.get(CollectionOfOne(key)) { value = Array($0) }
        return value
    }

    private func read(_ body: (UnsafeRawBufferPointer) -> Void) throws {
        var reply: UnsafeMutableRawPointer?
        var value: UnsafeRawPointer?
        var count = 0
        guard redis_baseline_read(self.handle, &reply, &value, &count) == 0 else { throw RedisStoreError() }
        defer { redis_baseline_free(reply) }
        if let value { body(UnsafeRawBufferPointer(start: value, count: count)) }
    }
}

/// The connection broke, or the server refused a command.
struct RedisStoreError: Error {}

extension Workload {
    /// Reads items of the sample, so many at a time.
    package static func gets(_ store: RedisStore, _ sample: Sample, operations: Int, depth: Int) -> Workload {
        Workload(operations: operations) { slice, pass in
            var sum = 0
            for start in stride(from: slice.lowerBound, to: slice.upperBound, by: depth) {
                let part = start..<min(start + depth, slice.upperBound)
                let keys = part.lazy.map { sample.keys[sample.position($0, pass: pass, of: operations)] }
                try store.get(keys) { sum &+= $0.count &+ Int($0.first ?? 0) }
            }
            return sum
        }
    }

    /// Stores items of the sample, so many at a time.
    package static func sets(_ store: RedisStore, _ sample: Sample, operations: Int, depth: Int) -> Workload {
        Workload(operations: operations) { slice, pass in
            for start in stride(from: slice.lowerBound, to: slice.upperBound, by: depth) {
                let part = start..<min(start + depth, slice.upperBound)
                let items = part.lazy.map { index in
                    let position = sample.position(index, pass: pass, of: operations)
                    return (key: sample.keys[position], value: sample.value(position, pass: pass))
                }
                try store.set(items)
            }
            return slice.count
        }
    }
}
