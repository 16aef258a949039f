public import KVStorage
import Synchronization

/// A driver that writes down every call before another one carries it out.
public final class CountingDriver: ForwardingDriver {
    /// The driver that does the work.
    public let base: any StorageDriver
    private let log = Mutex<[DriverCall]>([])

    /// Creates a driver with an empty log.
    public init(_ base: some StorageDriver = .memory) {
        self.base = base
    }

    /// The calls so far.
    public var calls: [DriverCall] { self.log.withLock { $0 } }

    /// The calls so far that can change something.
    public var writes: [DriverCall] { self.calls.filter(\.operation.isWrite) }

    /// Returns the calls since the last time and forgets them.
    public func reset() -> [DriverCall] {
        self.log.withLock { log in
            defer { log = [] }
            return log
        }
    }

    /// Writes the call down and forwards it.
    public func around<Result>(
        _ call: DriverCall,
        _ body: () async throws(StorageError) -> Result
    ) async throws(StorageError) -> Result {
        self.log.withLock { $0.append(call) }
        return try await body()
    }
}
