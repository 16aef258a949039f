import Dispatch
import KVStorage
import Synchronization

/// A call that somebody waits for no longer than a limit, on a thread that may have to wait for longer.
///
/// It is claimed once: by the thread that is about to carry it out, then it is awaited; or by the limit, then it is not
/// carried out.
final class TimedCall<Value: Sendable>: Sendable {
    private enum Claimant {
        case thread, limit
    }

    private struct State {
        var claimant: Claimant?
        var outcome: Result<Value, StorageError>?
    }

    private let state = Mutex(State())
    private let done = DispatchSemaphore(value: 0)

    /// - Throws: `StorageError.Code.unavailable` if nobody waits any more.
    func claim() throws(StorageError) {
        guard self.claim(for: .thread) else { throw StorageError(.unavailable, "nobody waits any more") }
    }

    private func claim(for claimant: Claimant) -> Bool {
        self.state.withLock { state in
            if state.claimant == nil { state.claimant = claimant }
            return state.claimant == claimant
        }
    }

    func finish(with outcome: Result<Value, StorageError>) {
        self.state.withLock { $0.outcome = outcome }
        self.done.signal()
    }

    /// Blocks until the call has ended, or until the limit if it was not begun by then.
    func wait(_ limit: Duration, _ error: StorageError) throws(StorageError) -> Value {
        let (seconds, attoseconds) = max(limit, .milliseconds(50)).components
        let interval = Double(min(seconds, 86_400)) + Double(attoseconds) / 1e18
        if self.done.wait(timeout: .now() + interval) == .timedOut {
            if self.claim(for: .limit) { throw error }
            self.done.wait()
        }
        guard let outcome = self.state.withLock({ $0.outcome }) else { throw error }
        return try outcome.get()
    }
}
