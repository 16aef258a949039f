import KVStorage
import Synchronization

/// A task that waits for what comes of its command, and the link to the command for when the task is cancelled.
///
/// It is one object for all of that, and its continuation an unsafe one, as each command makes one of them. The continuation
/// is taken out when it is resumed, so that a second outcome changes nothing.
final class Waiter: @unchecked Sendable {
    // Safe to share: the two are written by the task before the command is added. Afterwards they belong to the
    // one that has taken the waiter out of the connection's state, which gives each away once and under its lock, until the
    // task is resumed.
    private var continuation: UnsafeContinuation<Void, Never>?
    private var outcome: Result<Reply, StorageError>?
    /// The command's number, once there is one, or that the task was cancelled.
    private let link = Atomic<UInt64>(0)
    private static let cancelled = UInt64.max
    /// Those that the task waits for together with this one.
    private let group: WaiterGroup?

    init(_ group: WaiterGroup? = nil) {
        self.group = group
    }

    deinit {
        assert(self.continuation == nil, "a command was forgotten, and its caller waits forever")
    }

    /// Suspends the task until ``resume(_:)``; the body adds the command, and may be outrun by its outcome.
    ///
    /// It returns nothing, as a value would be passed up through generic functions of the runtime.
    func wait(_ body: () -> Void) async {
        await withUnsafeContinuation { continuation in
            self.continuation = continuation
            body()
        }
    }

    /// Returns what the waiter was resumed with.
    func takeOutcome() -> Result<Reply, StorageError> {
        self.outcome.take() ?? .failure(ConnectionState<Waiter>.closedError)
    }

    /// Has the task go on with the outcome of its command.
    func resume(_ outcome: Result<Reply, StorageError>) {
        if let group = self.group {
            guard self.outcome == nil else { return }
            self.outcome = outcome
            return group.arrive()
        }
        guard let continuation = self.continuation.take() else { return }
        self.outcome = outcome
        continuation.resume()
    }

    // MARK: - Cancellation

    /// Notes the command's number and returns whether the task was cancelled already.
    func issue(_ id: UInt64) -> Bool {
        !self.link.compareExchange(expected: 0, desired: id, ordering: .acquiringAndReleasing).exchanged
    }

    /// Notes that the task was cancelled and returns the command's number if there is one already.
    func cancel() -> UInt64? {
        let id = self.link.exchange(Self.cancelled, ordering: .acquiringAndReleasing)
        return id == 0 || id == Self.cancelled ? nil : id
    }
}

/// A task that waits until all of several commands are over.
final class WaiterGroup: @unchecked Sendable {
    // Safe to share: the continuation is written by the task before the commands are added, and taken by the last of them.
    private var continuation: UnsafeContinuation<Void, Never>?
    private let missing: Atomic<Int>

    /// - Parameter count: How many commands there are, at least one.
    init(_ count: Int) {
        self.missing = Atomic(count)
    }

    /// Suspends the task until as many have arrived as there are; the body adds the commands, and may be outrun by them.
    func wait(_ body: () -> Void) async {
        await withUnsafeContinuation { continuation in
            self.continuation = continuation
            body()
        }
    }

    fileprivate func arrive() {
        guard self.missing.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 else { return }
        self.continuation.take()?.resume()
    }
}
