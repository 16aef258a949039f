import Synchronization

/// Who waits in a ``GroupCommitQueue``, and whether somebody commits: at most one does, for all that wait.
struct CommitLine<Operation: Sendable, Value: Sendable>: ~Copyable {
    enum Wakeup: Sendable {
        case done(Result<Value, StorageError>)
        /// Commit your own operation and all that wait.
        case lead
    }

    struct Entry: Sendable {
        let operation: Operation
        let continuation: CheckedContinuation<Wakeup, Never>
        /// Since when it waits; `nil` where there is no time limit.
        let start: ContinuousClock.Instant?

        func answer(_ outcome: Result<Value, StorageError>) {
            self.continuation.resume(returning: .done(outcome))
        }
    }

    private struct State {
        var isCommitting = false
        var isClosed = false
        var waiting: [Entry] = []
        var closers: [CheckedContinuation<Void, Never>] = []
        /// Since when a commit waits for the lock, as long as it does.
        var lockedSince: ContinuousClock.Instant?
        /// How many of the first that wait are to be committed one by one.
        var loneCount = 0
        /// Whether somebody is going to look after those whose time is over.
        var isWatched = false
    }

    private let state = Mutex(State())
    // Mirrors `state.waiting.count`, for a look without the lock.
    private let waitingMirror = Atomic(0)

    var waitingCount: Int { self.waitingMirror.load(ordering: .relaxed) }

    var isClosed: Bool { self.state.withLock(\.isClosed) }

    static var closedError: StorageError {
        StorageError(.closed, "the driver was disposed; mount a new one")
    }

    // MARK: - Coming

    /// Takes the lead if nobody has it, and returns whether it did.
    func leadsAtOnce() throws(StorageError) -> Bool {
        let (isClosed, isIdle) = self.state.withLock { state in
            let isIdle = !state.isCommitting && !state.isClosed
            if isIdle { state.isCommitting = true }
            return (state.isClosed, isIdle)
        }
        if isClosed { throw Self.closedError }
        return isIdle
    }

    /// Has the entry wait, whoever leads; returns whether nobody did, so that somebody has to from now on.
    ///
    /// Once the line is closed the entry is answered at once.
    func join(_ entry: Entry) -> Bool {
        let (isAccepted, isIdle) = self.state.withLock { state in
            guard !state.isClosed else { return (false, false) }
            state.waiting.append(entry)
            self.mirror(state)
            defer { state.isCommitting = true }
            return (true, !state.isCommitting)
        }
        if !isAccepted { entry.answer(.failure(Self.closedError)) }
        return isIdle
    }

    /// Has the entry wait if somebody leads, else gives it the lead.
    func follow(_ entry: Entry) {
        let answer: Wakeup? = self.state.withLock { state in
            guard !state.isClosed else { return .done(.failure(Self.closedError)) }
            guard state.isCommitting else {
                state.isCommitting = true
                return .lead
            }
            state.waiting.append(entry)
            self.mirror(state)
            return nil
        }
        if let answer { entry.continuation.resume(returning: answer) }
    }

    /// Refuses what comes from now on, and returns when what was accepted is answered.
    func close() async {
        await withCheckedContinuation { continuation in
            let isIdle = self.state.withLock { state in
                state.isClosed = true
                if state.isCommitting { state.closers.append(continuation) }
                return !state.isCommitting
            }
            if isIdle { continuation.resume() }
        }
    }

    // MARK: - Leading

    /// Takes all that wait.
    func takeWaiting() -> [Entry] {
        self.state.withLock { self.takeWaiting(&$0) }
    }

    /// Takes all that wait, or leaves the line idle if nobody does.
    func takeBatchOrRest() -> [Entry]? {
        let (batch, closers) = self.state.withLock { state in
            let batch = self.takeWaiting(&state)
            return (batch, batch.isEmpty ? Self.rest(&state) : [])
        }
        for closer in closers { closer.resume() }
        return batch.isEmpty ? nil : batch
    }

    /// Gives the lead to the one who waits longest, or leaves the line idle if nobody does.
    func handOver() {
        let (successor, closers) = self.state.withLock { state in
            guard !state.waiting.isEmpty else { return (nil as Entry?, Self.rest(&state)) }
            let successor = state.waiting.removeFirst()
            self.mirror(state)
            return (successor, [])
        }
        successor?.continuation.resume(returning: .lead)
        for closer in closers { closer.resume() }
    }

    // MARK: - Leading while the commit waits for a lock

    /// Notes that a commit waits for the lock, and returns whether anybody wants it; else the line is idle from then on.
    ///
    /// With `isUnwatched` nobody looks after those whose time is over yet, and the caller has to.
    func beginWaitingForLock() -> (isWanted: Bool, isUnwatched: Bool) {
        let now = ContinuousClock.now
        let (isWanted, isUnwatched, closers) = self.state.withLock { state in
            guard !state.waiting.isEmpty else {
                state.lockedSince = nil
                return (false, false, Self.rest(&state))
            }
            // Counts on while a commit is called again for the same operations.
            if state.lockedSince == nil { state.lockedSince = now }
            defer { state.isWatched = true }
            return (true, !state.isWatched, [])
        }
        for closer in closers { closer.resume() }
        return (isWanted, isUnwatched)
    }

    /// Takes those who are to be committed now, as the lock is there.
    func claim() -> [Entry] {
        self.state.withLock { state in
            state.lockedSince = nil
            guard state.loneCount > 0, !state.waiting.isEmpty else { return self.takeWaiting(&state) }
            state.loneCount -= 1
            let first = state.waiting.removeFirst()
            self.mirror(state)
            return [first]
        }
    }

    /// Has entries wait again, before all others; the first `loneCount` of them one by one.
    func putBack(_ entries: [Entry], loneCount: Int = 0) {
        self.state.withLock { state in
            // A lone one stays so.
            state.loneCount = state.loneCount > 0 ? state.loneCount + entries.count : loneCount
            state.waiting.insert(contentsOf: entries, at: 0)
            self.mirror(state)
        }
    }

    /// Takes those who wait longer than the limit while a commit waits for the lock; `nil` if nobody commits, and then nobody
    /// is to look again.
    ///
    /// `next` is when the next one's time is over.
    func takeLate(_ limit: Duration) -> (late: [Entry], next: Duration)? {
        let now = ContinuousClock.now
        return self.state.withLock { state in
            guard state.isCommitting else {
                state.isWatched = false
                return nil
            }
            guard let lockedSince = state.lockedSince else { return ([], limit) }
            var late: [Entry] = []
            var kept: [Entry] = []
            var next = limit
            var loneCount = state.loneCount
            for (index, entry) in state.waiting.enumerated() {
                let rest = limit - max(entry.start ?? lockedSince, lockedSince).duration(to: now)
                guard rest <= .zero else {
                    next = min(next, rest)
                    kept.append(entry)
                    continue
                }
                late.append(entry)
                if index < state.loneCount { loneCount -= 1 }
            }
            state.waiting = kept
            state.loneCount = loneCount
            self.mirror(state)
            return (late, next)
        }
    }

    // MARK: - Under the lock

    private func takeWaiting(_ state: inout State) -> [Entry] {
        let waiting = state.waiting
        state.waiting = []
        state.waiting.reserveCapacity(waiting.count)
        self.mirror(state)
        return waiting
    }

    /// Leaves the line idle, and returns who waits for that.
    private static func rest(_ state: inout State) -> [CheckedContinuation<Void, Never>] {
        state.isCommitting = false
        defer { state.closers = [] }
        return state.closers
    }

    private func mirror(_ state: borrowing State) {
        self.waitingMirror.store(state.waiting.count, ordering: .relaxed)
    }
}
