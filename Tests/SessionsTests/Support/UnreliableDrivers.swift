import KVStorage
import KVStorageTesting
import Synchronization

/// A driver that takes its time: other tasks run before and after each call.
struct SlowDriver: ForwardingDriver {
    let base: any StorageDriver

    func around<Result>(
        _ call: DriverCall,
        _ body: () async throws(StorageError) -> Result
    ) async throws(StorageError) -> Result {
        for _ in 0..<5 { await Task.yield() }
        let result = try await body()
        for _ in 0..<5 { await Task.yield() }
        return result
    }
}

/// A driver that goes on answering what an item was when it was first read, as a replica does that lags behind.
final class StaleDriver: ForwardingDriver {
    let base: any StorageDriver
    private let seen = Mutex<[String: [UInt8]]?>(nil)

    init(_ wrapped: any StorageDriver) {
        self.base = wrapped
    }

    /// From now on, what is read for the first time is answered forever; `false` ends it.
    func setStale(_ isStale: Bool) {
        self.seen.withLock { $0 = isStale ? [:] : nil }
    }

    func getItem(_ key: String) async throws(StorageError) -> [UInt8]? {
        if let old = self.seen.withLock({ $0?[key] }) { return old }
        let value = try await self.base.getItem(key)
        self.seen.withLock { $0?[key] = value }
        return value
    }
}
