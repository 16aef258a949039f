import Synchronization

/// Lets the tasks of one request at a session one after the other: the first loads, the others find it loaded; and their
/// writes queue up instead of colliding.
///
/// Storage is called while it is held; user code that could wait for it is not.
final class EventLock: Sendable {
    fileprivate struct State {
        var isHeld = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    init() {}

    /// Runs the body when nobody else runs one; in the order of asking.
    func withLock<Result, Failure: Error>(
        _ body: () async throws(Failure) -> Result
    ) async throws(Failure) -> Result {
        await self.acquire()
        defer { self.release() }
        return try await body()
    }

    private func acquire() async {
        if self.state.withLock({ $0.take() }) { return }
        await withCheckedContinuation { continuation in
            let isFree = self.state.withLock { state in
                if state.take() { return true }
                state.waiting.append(continuation)
                return false
            }
            if isFree { continuation.resume() }
        }
    }

    private func release() {
        let next = self.state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard state.waiting.isEmpty else { return state.waiting.removeFirst() }
            state.isHeld = false
            return nil
        }
        next?.resume()
    }
}

extension EventLock.State {
    fileprivate mutating func take() -> Bool {
        guard !self.isHeld else { return false }
        self.isHeld = true
        return true
    }
}
