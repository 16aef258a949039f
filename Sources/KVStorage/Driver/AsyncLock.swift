import Synchronization

/// A lock that a task may hold while it waits; others wait for it in the order in which they came, without a thread.
///
/// Lies in place in what it belongs to, so that one for each request costs no allocation.
package struct AsyncLock: ~Copyable, Sendable {
    // Not private: Swift 6.3 crashes where another file lays out a lock that has a private type in it.
    struct State {
        var isHeld = false
        var waiting: [CheckedContinuation<Void, Never>] = []
        var position = 0
    }

    private let state = Mutex(State())

    package init() {}

    /// Calls the body while no other body of this lock runs. Not re-entrant.
    package func withLock<Result, Failure: Error>(
        _ body: () async throws(Failure) -> Result
    ) async throws(Failure) -> Result {
        await self.lock()
        defer { self.unlock() }
        return try await body()
    }

    private func lock() async {
        let isMine = self.state.withLock { state in
            defer { state.isHeld = true }
            return !state.isHeld
        }
        if isMine { return }
        await withCheckedContinuation { continuation in
            let isMine = self.state.withLock { state in
                guard state.isHeld else {
                    state.isHeld = true
                    return true
                }
                state.waiting.append(continuation)
                return false
            }
            if isMine { continuation.resume() }
        }
    }

    private func unlock() {
        let next = self.state.withLock { state in
            guard state.position < state.waiting.count else {
                state.isHeld = false
                state.waiting.removeAll(keepingCapacity: true)
                state.position = 0
                return nil as CheckedContinuation<Void, Never>?
            }
            // Whoever comes next holds the lock at once, so that nobody overtakes.
            state.position += 1
            return state.waiting[state.position - 1]
        }
        next?.resume()
    }
}
