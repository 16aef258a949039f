import Synchronization

/// A lock that a task may hold while it waits; others wait for it in the order in which they came, without a thread.
///
/// Lies in place in what it belongs to, so that one for each request costs no allocation. What waits is a list of exactly
/// those that wait: nothing of it is kept afterwards.
package struct AsyncLock: ~Copyable, Sendable {
    // Not private: Swift 6.3 crashes where another file lays out a lock that has a private type in it.
    struct State {
        var isHeld = false
        var first: AsyncLockWaiter?
        var last: AsyncLockWaiter?
    }

    private let state = Mutex(State())

    package init() {}

    /// Whether somebody holds the lock just now; while anybody waits for it, somebody does.
    package var isHeld: Bool { self.state.withLock { $0.isHeld } }

    /// How many tasks wait for it; walks them all.
    package var waitingCount: Int { self.state.withLock { $0.waitingCount } }

    /// Calls the body while no other body of this lock runs. Not re-entrant.
    ///
    /// Waits however long it takes, cancelled or not, as the body may be what has to be done all the same.
    package func withLock<Result, Failure: Error>(
        _ body: () async throws(Failure) -> Result
    ) async throws(Failure) -> Result {
        await self.acquire()
        defer { self.release() }
        return try await body()
    }

    /// Calls the body while no other body of this lock runs, unless the task is cancelled or `limit` passes before its turn
    /// comes. Not re-entrant.
    ///
    /// - Throws: ``StorageError/Code/cancelled`` or ``StorageError/Code/unavailable``, the body not having run then; else what
    ///   the body throws.
    package func withLock<Result>(
        within limit: Duration?,
        _ body: () async throws(StorageError) -> Result
    ) async throws(StorageError) -> Result {
        try await self.acquire(within: limit)
        defer { self.release() }
        return try await body()
    }

    /// Takes the lock, which is to be given back by ``release()``, unless the task is cancelled or `limit` (`nil`: no limit)
    /// passes before its turn comes; a free lock is taken in any case.
    ///
    /// - Throws: ``StorageError/Code/cancelled`` or ``StorageError/Code/unavailable``; the lock is not held then.
    package func acquire(within limit: Duration?) async throws(StorageError) {
        if self.takeIfFree() { return }
        let waiter = AsyncLockWaiter()
        // Detached: it shall not keep the caller's task-local values.
        let timer = limit.map { limit in
            Task.detached {
                try await Task.sleep(for: max(.zero, limit))
                waiter.settle(.late)
            }
        }
        defer { timer?.cancel() }
        let outcome = await withTaskCancellationHandler {
            await self.wait(waiter)
        } onCancel: {
            waiter.settle(.cancelled)
        }
        guard outcome != .held else { return }
        self.state.withLock { $0.remove(waiter) }
        if outcome == .cancelled {
            throw StorageError(.cancelled, "the task was cancelled while it waited for its turn; nothing was changed")
        }
        throw StorageError(.unavailable, "others took too long, so the turn did not come in time; try again later")
    }

    /// Gives the lock to whoever has waited longest.
    package func release() {
        while true {
            let next = self.state.withLock { state in
                let next = state.first
                // Whoever comes next holds the lock at once, so that nobody overtakes.
                if let next { state.remove(next) } else { state.isHeld = false }
                return next
            }
            guard let next, !next.settle(.held) else { return }
            // This one had just given up.
        }
    }

    private func acquire() async {
        if self.takeIfFree() { return }
        _ = await self.wait(AsyncLockWaiter())
    }

    private func takeIfFree() -> Bool {
        self.state.withLock { state in
            defer { state.isHeld = true }
            return !state.isHeld
        }
    }

    private func wait(_ waiter: AsyncLockWaiter) async -> AsyncLockWaiter.Outcome {
        await withCheckedContinuation { continuation in
            let isMine = self.state.withLock { state in
                guard state.isHeld else {
                    state.isHeld = true
                    return true
                }
                state.append(waiter)
                return false
            }
            if isMine {
                continuation.resume(returning: .held)
            } else if let outcome = waiter.suspend(continuation) {
                continuation.resume(returning: outcome)
            }
        }
    }
}

extension AsyncLock.State {
    var waitingCount: Int {
        var count = 0
        var waiter = self.first
        while let present = waiter {
            count += 1
            waiter = present.next
        }
        return count
    }

    mutating func append(_ waiter: AsyncLockWaiter) {
        waiter.previous = self.last
        waiter.isQueued = true
        if let last = self.last { last.next = waiter } else { self.first = waiter }
        self.last = waiter
    }

    /// Takes the waiter out, if it is still in.
    mutating func remove(_ waiter: AsyncLockWaiter) {
        guard waiter.isQueued else { return }
        waiter.isQueued = false
        if let previous = waiter.previous { previous.next = waiter.next } else { self.first = waiter.next }
        if let next = waiter.next { next.previous = waiter.previous } else { self.last = waiter.previous }
        waiter.previous = nil
        waiter.next = nil
    }
}

/// One task in the queue of an ``AsyncLock``.
final class AsyncLockWaiter: Sendable {
    /// How the waiting ended; the first to say so counts.
    enum Outcome { case held, cancelled, late }

    private enum State {
        case idle
        case suspended(CheckedContinuation<Outcome, Never>)
        case settled(Outcome)
    }

    private let state = Mutex(State.idle)
    // Its place in the queue; safe to share, as these three are touched under the mutex of the lock alone.
    nonisolated(unsafe) var next: AsyncLockWaiter?
    nonisolated(unsafe) var previous: AsyncLockWaiter?
    nonisolated(unsafe) var isQueued = false

    /// Ends the waiting, unless it has ended; returns whether this call did.
    @discardableResult
    func settle(_ outcome: Outcome) -> Bool {
        let (isFirst, continuation) = self.state.withLock { state in
            if case .settled = state { return (false, nil as CheckedContinuation<Outcome, Never>?) }
            defer { state = .settled(outcome) }
            if case .suspended(let continuation) = state { return (true, continuation) }
            return (true, nil)
        }
        continuation?.resume(returning: outcome)
        return isFirst
    }

    /// Keeps the continuation until the waiting ends, or returns how it has ended already.
    fileprivate func suspend(_ continuation: CheckedContinuation<Outcome, Never>) -> Outcome? {
        self.state.withLock { state in
            if case .settled(let outcome) = state { return outcome }
            state = .suspended(continuation)
            return nil
        }
    }
}
