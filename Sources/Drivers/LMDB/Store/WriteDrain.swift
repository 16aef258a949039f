import KVStorage
import Synchronization

/// Counts a driver's writes on their way, so that it can be closed when all of them are done.
///
/// Several drivers share a commit queue, so the queue can't be the one to say.
final class WriteDrain: Sendable {
    private enum Phase {
        case open, closing, closed
    }

    private struct State {
        var phase = Phase.open
        var writeCount = 0
        var drained: CheckedContinuation<Void, Never>?
        var closers: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())
    private let closedFlag = Atomic(false)

    /// Whether closing has begun; a read looks once it has taken its slot.
    @inline(__always)
    var isClosed: Bool { self.closedFlag.load(ordering: .sequentiallyConsistent) }

    /// - Throws: `StorageError.Code.closed` once closing has begun.
    func beginWrite() throws(StorageError) {
        let isOpen = self.state.withLock { state in
            guard state.phase == .open else { return false }
            state.writeCount += 1
            return true
        }
        guard isOpen else { throw .lmdbClosed }
    }

    func endWrite() {
        let drained = self.state.withLock { state in
            state.writeCount -= 1
            guard state.writeCount == 0 else { return nil as CheckedContinuation<Void, Never>? }
            defer { state.drained = nil }
            return state.drained
        }
        drained?.resume()
    }

    /// Waits for the writes, then calls the body; the second and later callers wait until the first is done.
    func close(_ body: () async -> Void) async {
        let isFirst = self.state.withLock { state in
            defer { if state.phase == .open { state.phase = .closing } }
            return state.phase == .open
        }
        guard isFirst else { return await self.waitForClosing() }
        self.closedFlag.store(true, ordering: .sequentiallyConsistent)
        await withCheckedContinuation { continuation in
            let isDrained = self.state.withLock { state in
                if state.writeCount > 0 { state.drained = continuation }
                return state.writeCount == 0
            }
            if isDrained { continuation.resume() }
        }
        await body()
        let closers = self.state.withLock { state in
            state.phase = .closed
            defer { state.closers = [] }
            return state.closers
        }
        for closer in closers { closer.resume() }
    }

    private func waitForClosing() async {
        await withCheckedContinuation { continuation in
            let isClosed = self.state.withLock { state in
                if state.phase != .closed { state.closers.append(continuation) }
                return state.phase == .closed
            }
            if isClosed { continuation.resume() }
        }
    }
}
