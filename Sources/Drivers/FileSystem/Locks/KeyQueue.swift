import KVStorage
import Synchronization

/// Lets one task of the process at a time have a lock; others wait in the order of their coming, suspended.
///
/// The table only holds what is locked at the moment.
final class KeyQueue: Sendable {
    private struct Line {
        // In the order of coming; those that gave up are in it, but wait no more.
        var order: [UInt64] = []
        var position = 0
        var waiting: [UInt64: CheckedContinuation<Bool, Never>] = [:]

        mutating func next() -> CheckedContinuation<Bool, Never>? {
            while self.position < self.order.count {
                let id = self.order[self.position]
                self.position += 1
                if self.position >= 32, self.position * 2 > self.order.count {
                    self.order.removeFirst(self.position)
                    self.position = 0
                }
                if let continuation = self.waiting.removeValue(forKey: id) { return continuation }
            }
            return nil
        }
    }

    private struct State {
        var nextID: UInt64 = 0
        /// Locks that are held, and who waits for them.
        var lines: [UInt64: Line] = [:]
    }

    private let state = Mutex(State())

    /// Takes the lock if it is free.
    func tryLock(_ slot: UInt64) -> Bool {
        self.state.withLock { state in
            guard state.lines[slot] == nil else { return false }
            state.lines[slot] = Line()
            return true
        }
    }

    /// Takes the lock once all who came before have given it back.
    ///
    /// - Throws: `StorageError.Code.cancelled` if the task is cancelled before; then it does not have the lock.
    func lock(_ slot: UInt64) async throws(StorageError) {
        let id = self.state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        let isMine = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                // Whoever cancels sets the flag before the handler is called: one of the two sees the other.
                let answer = self.state.withLock { state -> Bool? in
                    if state.lines[slot] == nil {
                        state.lines[slot] = Line()
                        return true
                    }
                    if Task.isCancelled { return false }
                    state.lines[slot]?.order.append(id)
                    state.lines[slot]?.waiting[id] = continuation
                    return nil
                }
                if let answer { continuation.resume(returning: answer) }
            }
        } onCancel: {
            self.state.withLock { $0.lines[slot]?.waiting.removeValue(forKey: id) }?.resume(returning: false)
        }
        guard isMine else { throw KeyLocks.cancelled }
    }

    func waitingCount(_ slot: UInt64) -> Int { self.state.withLock { $0.lines[slot]?.waiting.count ?? 0 } }

    /// Gives the lock to who waits longest.
    func unlock(_ slot: UInt64) {
        let next = self.state.withLock { state in
            let next = state.lines[slot]?.next()
            if next == nil { state.lines[slot] = nil }
            return next
        }
        next?.resume(returning: true)
    }
}
