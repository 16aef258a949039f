import Synchronization

/// Lets one task at a time change an item, within this driver; the lock on the item's file then keeps off all others.
///
/// A task that has to wait is suspended, in the order of its coming. The table only holds what is locked at the moment.
final class KeyLocks: Sendable {
    private typealias Waiter = CheckedContinuation<Void, Never>

    // Strings compare by canonical equivalence: a precomposed and a decomposed key share a lock, which does no harm.
    private let waiters = Mutex<[String: [Waiter]]>([:])

    /// Takes the lock if it is free.
    func tryLock(_ key: String) -> Bool {
        self.waiters.withLock { waiters in
            guard waiters[key] == nil else { return false }
            waiters[key] = []
            return true
        }
    }

    /// Takes the lock once all who came before have given it back.
    func lock(_ key: String) async {
        await withCheckedContinuation { continuation in
            let isFree = self.waiters.withLock { waiters in
                if waiters[key]?.append(continuation) != nil { return false }
                waiters[key] = []
                return true
            }
            if isFree { continuation.resume() }
        }
    }

    /// Gives the lock to who waits longest.
    func unlock(_ key: String) {
        let next = self.waiters.withLock { waiters -> Waiter? in
            guard let waiting = waiters[key], !waiting.isEmpty else {
                waiters[key] = nil
                return nil
            }
            return waiters[key]?.removeFirst()
        }
        next?.resume()
    }
}
