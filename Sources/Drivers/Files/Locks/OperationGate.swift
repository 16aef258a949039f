import KVStorage
import Synchronization

/// Counts the calls that are under way, so that closing can wait for them and refuse those that come later.
final class OperationGate: Sendable {
    private struct State {
        var count = 0
        var isClosed = false
        var closers: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    /// Whether ``close()`` was called: long work ends early then.
    var isClosed: Bool { self.state.withLock { $0.isClosed } }

    func enter() throws(StorageError) {
        let isOpen = self.state.withLock { state in
            if !state.isClosed { state.count += 1 }
            return !state.isClosed
        }
        if !isOpen { throw Self.closed }
    }

    static var closed: StorageError { StorageError(.closed, "the driver was disposed; mount a new one") }

    func leave() {
        let closers = self.state.withLock { state -> [CheckedContinuation<Void, Never>] in
            state.count -= 1
            guard state.count == 0, !state.closers.isEmpty else { return [] }
            defer { state.closers = [] }
            return state.closers
        }
        for closer in closers { closer.resume() }
    }

    /// Refuses what comes from now on, and waits for what is under way. Returns whether this call was the first.
    func close() async -> Bool {
        let isFirst = self.state.withLock { state in
            defer { state.isClosed = true }
            return !state.isClosed
        }
        await withCheckedContinuation { continuation in
            let isIdle = self.state.withLock { state in
                if state.count > 0 { state.closers.append(continuation) }
                return state.count == 0
            }
            if isIdle { continuation.resume() }
        }
        return isFirst
    }
}
