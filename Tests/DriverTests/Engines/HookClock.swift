import KVStorage
import Synchronization

/// A clock that calls somebody in the middle of a write, as that is when a driver asks for the time.
final class HookClock: StorageClock {
    private let hook = Mutex<(@Sendable () -> Void)?>(nil)
    private let isSlept = Atomic(false)

    /// Waits until the driver's sweeper, which asks for the time too, sleeps.
    func waitUntilSlept() async {
        while !self.isSlept.load(ordering: .sequentiallyConsistent), !Task.isCancelled { await Task.yield() }
    }

    /// Has the next one who asks call the closure, once.
    func onNextLook(_ hook: @escaping @Sendable () -> Void) {
        self.hook.withLock { $0 = hook }
    }

    var now: Timestamp {
        let hook = self.hook.withLock { hook in
            defer { hook = nil }
            return hook
        }
        hook?()
        return Timestamp(milliseconds: 1_780_000_000_000)
    }

    func sleep(until deadline: Timestamp) async throws {
        self.isSlept.store(true, ordering: .sequentiallyConsistent)
        // Nothing is swept meanwhile, so that it is the write that asks.
        try await Task.sleep(for: .seconds(3600))
    }
}
