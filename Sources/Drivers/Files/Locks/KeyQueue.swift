import KVStorage
import Synchronization

/// Lets one task of the process at a time have a lock; others wait in the order of their coming, suspended.
///
/// The tables only hold what is locked at the moment. A lock that nobody waits for costs neither memory nor hashing.
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
        /// Who waits for locks that are held.
        var lines: [UInt64: Line] = [:]
        /// Locks that are held, by the last bits of their numbers: a few in each, which are looked through.
        var held = Array(repeating: [UInt64](), count: 256)

        /// Takes the lock unless it is held.
        mutating func take(_ slot: UInt64) -> Bool {
            let index = Int(slot % 256)
            if self.held[index].contains(slot) { return false }
            self.held[index].append(slot)
            return true
        }

        mutating func giveBack(_ slot: UInt64) {
            let index = Int(slot % 256)
            guard let position = self.held[index].firstIndex(of: slot) else { return }
            self.held[index].swapAt(position, self.held[index].count - 1)
            self.held[index].removeLast()
        }
    }

    private let state = Mutex(State())

    /// Takes the lock if it is free.
    func tryLock(_ slot: UInt64) -> Bool {
        self.state.withLock { $0.take(slot) }
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
                    if state.take(slot) { return true }
                    if Task.isCancelled { return false }
                    state.lines[slot, default: Line()].order.append(id)
                    state.lines[slot, default: Line()].waiting[id] = continuation
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
        let next = self.state.withLock { state -> CheckedContinuation<Bool, Never>? in
            if !state.lines.isEmpty, let next = state.lines[slot]?.next() { return next }
            if !state.lines.isEmpty { state.lines[slot] = nil }
            state.giveBack(slot)
            return nil
        }
        next?.resume(returning: true)
    }
}
