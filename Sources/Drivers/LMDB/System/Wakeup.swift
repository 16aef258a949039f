import Dispatch
import KVStorage
import Synchronization

/// Somebody who waits for one of several things, whichever comes first.
final class Wakeup: Sendable {
    // Serial, so that its thread is not one of the cooperative pool's, which may all be busy.
    private static let timer = DispatchQueue(label: "KVStorageLMDB.timer")

    private let continuation = Mutex<CheckedContinuation<Void, Never>?>(nil)

    func set(_ continuation: CheckedContinuation<Void, Never>) {
        self.continuation.withLock { $0 = continuation }
    }

    /// Wakes who waits; later calls do nothing.
    func resume() {
        let continuation = self.continuation.withLock { stored in
            defer { stored = nil }
            return stored
        }
        continuation?.resume()
    }

    /// Wakes who still waits then if the condition holds, else looks again later.
    func resume(after delay: Duration, if condition: @escaping @Sendable () -> Bool) {
        let (seconds, attoseconds) = max(delay, .milliseconds(50)).components
        let interval = Double(min(seconds, 86_400)) + Double(attoseconds) / 1e18
        Self.timer.asyncAfter(deadline: .now() + interval) {
            guard self.continuation.withLock({ $0 != nil }) else { return }
            if condition() { self.resume() } else { self.resume(after: delay, if: condition) }
        }
    }
}
