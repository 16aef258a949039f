import KVStorage
import Synchronization

/// Counts calls by their kind.
final class CountingLayer: DriverLayer {
    private let counts = Mutex<[DriverCall.Operation: Int]>([:])

    var all: [DriverCall.Operation: Int] { self.counts.withLock { $0 } }

    func around<Result>(
        _ call: DriverCall,
        _ body: () async throws(StorageError) -> Result
    ) async throws(StorageError) -> Result {
        self.counts.withLock { $0[call.operation, default: 0] += 1 }
        return try await body()
    }
}

/// Repeats what failed before anything was done, and reads in any case unless told otherwise.
struct RetryingLayer: DriverLayer {
    var tries = 3
    var repeatsReads = true

    func around<Result>(
        _ call: DriverCall,
        _ body: () async throws(StorageError) -> Result
    ) async throws(StorageError) -> Result {
        for _ in 1..<self.tries {
            do { return try await body() } catch {
                guard error.code == .overloaded || self.repeatsReads && !call.operation.isWrite else { throw error }
            }
        }
        return try await body()
    }
}
