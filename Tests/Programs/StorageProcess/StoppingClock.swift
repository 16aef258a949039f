import Foundation
import KVStorage
import ProcessOutput
import Synchronization

/// A clock that stops the process when it is asked for the time: a driver asks in the middle of a write transaction.
final class StoppingClock: StorageClock {
    static let shared = StoppingClock()

    private let isArmed = Atomic(false)
    private let isSlept = Atomic(false)

    /// Has the next one who asks stop the process, once; waits until the store's sweeper, which asks too, sleeps.
    func arm() async {
        while !self.isSlept.load(ordering: .sequentiallyConsistent) { await Task.yield() }
        self.isArmed.store(true, ordering: .sequentiallyConsistent)
    }

    var now: Timestamp {
        if self.isArmed.exchange(false, ordering: .sequentiallyConsistent) {
            Output.line("stopping")
            // To this thread: sent to the process, another one may take it, and this one goes on for a while.
            raise(SIGSTOP)
        }
        return SystemClock().now
    }

    func sleep(until deadline: Timestamp) async throws {
        // Nothing is swept meanwhile, so that it is the write that asks.
        self.isSlept.store(true, ordering: .sequentiallyConsistent)
        try await Task.sleep(for: .seconds(3600))
    }
}
