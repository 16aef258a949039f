package import Dispatch
import Synchronization

/// Gathers the writes of many tasks into commits: whoever comes first commits for all that wait.
///
/// Operations are carried out in the order of their submission, each exactly once, and each gets an outcome of its own.
/// What was accepted is finished and answered even if the task that submitted it is cancelled meanwhile. No lock is held
/// during a commit, and there is never more than one.
package final class GroupCommitQueue<Operation: Sendable, Value: Sendable>: Sendable {
    /// What became of one operation.
    package typealias Outcome = Result<Value, StorageError>
    /// Carries out a batch and returns one outcome for each operation, in their order.
    package typealias Commit = @Sendable ([Operation]) -> [Outcome]
    /// The same for commits that run on the caller's thread; may suspend, to wait for what would block the thread.
    package typealias SuspendingCommit = @Sendable ([Operation]) async -> [Outcome]

    /// A commit that waits for a lock which other processes hold too. Once it has the lock it calls `claim`, which hands
    /// out the operations: from then on they are awaited whatever happens, while those whose time is over are gone.
    /// May be called again and again for the same operations; what it waits for, it waits for before it claims.
    package typealias LockingCommit = @Sendable (_ claim: () -> [Operation]) -> LockingOutcome
    /// Carries out a batch on the caller's thread, or returns `nil`, having changed nothing, where that would block.
    package typealias Attempt = @Sendable ([Operation]) -> [Outcome]?

    /// What became of the operations that a ``LockingCommit`` has claimed.
    package enum LockingOutcome: Sendable {
        /// One outcome for each, in their order.
        case done([Outcome])
        /// Nothing was changed; what was claimed goes back to those that wait, and the commit is called again.
        case again
        /// The same, and each of them is then to be committed alone, so that only the one that can't be fails.
        case oneByOne
    }

    private enum Execution: Sendable {
        case onQueue(DispatchQueue, Commit)
        case inPlace(SuspendingCommit)
        case locking(DispatchQueue, LockingCommit, Attempt?)
    }

    enum Wakeup: Sendable {
        case done(Outcome)
        /// Commit your own operation and all that wait.
        case lead
    }

    struct Entry: Sendable {
        let operation: Operation
        let continuation: CheckedContinuation<Wakeup, Never>
        /// Since when it waits; `nil` where there is no time limit.
        let start: ContinuousClock.Instant?
    }

    struct State {
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

    private let execution: Execution
    private let lingering: Duration
    let limit: TimeLimit?
    let state = Mutex(State())
    // Mirrors `state.waiting.count`, for a look without the lock.
    let waitingMirror = Atomic(0)

    /// Creates a queue whose commits run on a serial dispatch queue: for commits that flush, so that a slow disk never
    /// holds a thread of the cooperative pool.
    ///
    /// After a commit for several callers it waits up to `lingering` for as many to come again: without it, the first
    /// that returns would start a commit for itself alone and the others wait for the next.
    package init(on queue: DispatchQueue, lingering: Duration = .microseconds(50), commit: @escaping Commit) {
        self.execution = .onQueue(queue, commit)
        self.lingering = lingering
        self.limit = nil
    }

    /// Creates a queue whose commits run on the thread of the caller that finds it idle: for commits that don't flush.
    ///
    /// When that caller is done and others wait, it hands the lead to one of them, so that nobody works forever for
    /// others.
    package init(inPlace commit: @escaping SuspendingCommit) {
        self.execution = .inPlace(commit)
        self.lingering = .zero
        self.limit = nil
    }

    /// Creates a queue whose commits wait for a lock that other processes hold too: on a serial dispatch queue, and for
    /// each operation no longer than the limit says.
    ///
    /// An operation is claimed once, by a commit or by the time limit. What a commit has claimed is awaited; what the
    /// limit has claimed is answered with its error and never runs, while the commit may go on waiting. The limit counts
    /// only while a commit waits for the lock, not while one runs.
    ///
    /// With an `attempt` the caller that finds the queue idle first tries on its own thread.
    package init(
        on queue: DispatchQueue,
        lingering: Duration = .microseconds(50),
        limit: TimeLimit,
        attempt: Attempt? = nil,
        locking commit: @escaping LockingCommit
    ) {
        self.execution = .locking(queue, commit, attempt)
        self.lingering = lingering
        self.limit = limit
    }

    /// How many operations wait for the next commit.
    package var waitingCount: Int { self.waitingMirror.load(ordering: .relaxed) }

    /// Whether ``close()`` was called.
    package var isClosed: Bool { self.state.withLock(\.isClosed) }

    /// Carries out the operation and returns its result once it is committed.
    ///
    /// - Throws: what the commit says of this operation; ``StorageError/Code/closed`` after ``close()``.
    package func submit(_ operation: Operation) async throws(StorageError) -> Value {
        switch self.execution {
        case .onQueue(let queue, let commit):
            return try await self.submit(operation, on: queue) { self.drain(commit) }.get()
        case .inPlace(let commit):
            guard try self.leadsAtOnce() else {
                return try await self.follow(operation) { await self.lead($0, commit) }.get()
            }
            let outcome = await commit([operation])[0]
            self.handOver()
            return try outcome.get()
        case .locking(let queue, let commit, let attempt?):
            guard try self.leadsAtOnce() else {
                return try await self.follow(operation) { await self.lead($0, attempt, queue, commit) }.get()
            }
            if let outcomes = attempt([operation]) {
                self.handOver()
                return try outcomes[0].get()
            }
            return try await self.fallBack(operation, [], queue, commit).get()
        case .locking(let queue, let commit, nil):
            return try await self.submit(operation, on: queue) { self.drain(commit) }.get()
        }
    }

    /// Waits for what was accepted; from the call on, submissions throw ``StorageError/Code/closed``.
    package func close() async {
        await withCheckedContinuation { continuation in
            let isIdle = self.state.withLock { state in
                state.isClosed = true
                if state.isCommitting { state.closers.append(continuation) }
                return !state.isCommitting
            }
            if isIdle { continuation.resume() }
        }
    }

    static var closedError: StorageError {
        StorageError(.closed, "the driver was disposed; mount a new one")
    }
}

// MARK: - On a dispatch queue

extension GroupCommitQueue {
    func submit(
        _ operation: Operation,
        on queue: DispatchQueue,
        _ drain: @escaping @Sendable () -> Void
    ) async -> Outcome {
        let wakeup = await withCheckedContinuation { continuation in
            let entry = self.entry(operation, continuation)
            let (isAccepted, isIdle) = self.state.withLock { state in
                guard !state.isClosed else { return (false, false) }
                self.append(entry, to: &state)
                let isIdle = !state.isCommitting
                state.isCommitting = true
                return (true, isIdle)
            }
            if !isAccepted { continuation.resume(returning: .done(.failure(Self.closedError))) }
            if isIdle { queue.async(execute: drain) }
        }
        // The queue's thread leads, never a caller.
        guard case .done(let outcome) = wakeup else { return .failure(Self.closedError) }
        return outcome
    }

    private func drain(_ commit: Commit) {
        while let batch = self.takeBatchOrRest() {
            let outcomes = commit(batch.map(\.operation))
            for (index, entry) in batch.enumerated() {
                entry.continuation.resume(returning: .done(outcomes[index]))
            }
            self.linger(for: batch.count)
        }
    }

    /// Takes all that waits, or leaves the queue idle if nothing does.
    private func takeBatchOrRest() -> [Entry]? {
        let (batch, closers) = self.state.withLock { state in
            let batch = self.takeWaiting(&state)
            if batch.isEmpty { state.isCommitting = false }
            return (batch, batch.isEmpty ? self.takeClosers(&state) : [])
        }
        for closer in closers { closer.resume() }
        return batch.isEmpty ? nil : batch
    }

    func linger(for count: Int) {
        guard count > 1, self.lingering > .zero else { return }
        let end = ContinuousClock.now + self.lingering
        while self.waitingCount < count, ContinuousClock.now < end {
            yieldProcessor()
        }
    }
}

// MARK: - In place

extension GroupCommitQueue {
    private func leadsAtOnce() throws(StorageError) -> Bool {
        let (isClosed, isIdle) = self.state.withLock { state in
            let isIdle = !state.isCommitting && !state.isClosed
            if isIdle { state.isCommitting = true }
            return (state.isClosed, isIdle)
        }
        if isClosed { throw Self.closedError }
        return isIdle
    }

    // On the cooperative pool, so that the lead never goes to a task that has to wait for its actor.
    @concurrent
    private func follow(_ operation: Operation, _ lead: @Sendable (Operation) async -> Outcome) async -> Outcome {
        let wakeup: Wakeup = await withCheckedContinuation { continuation in
            let entry = self.entry(operation, continuation)
            let answer: Wakeup? = self.state.withLock { state in
                guard !state.isClosed else { return .done(.failure(Self.closedError)) }
                guard state.isCommitting else {
                    state.isCommitting = true
                    return .lead
                }
                self.append(entry, to: &state)
                return nil
            }
            if let answer { continuation.resume(returning: answer) }
        }
        switch wakeup {
        case .done(let outcome): return outcome
        case .lead: return await lead(operation)
        }
    }

    private func lead(_ operation: Operation, _ commit: SuspendingCommit) async -> Outcome {
        let followers = self.state.withLock { self.takeWaiting(&$0) }
        let outcomes = await commit([operation] + followers.map(\.operation))
        for (index, follower) in followers.enumerated() {
            follower.continuation.resume(returning: .done(outcomes[index + 1]))
        }
        self.handOver()
        return outcomes[0]
    }

    /// Gives the lead to the one who waits longest, or leaves the queue idle if nobody does.
    func handOver() {
        let (successor, closers) = self.state.withLock { state in
            guard !state.waiting.isEmpty else {
                state.isCommitting = false
                return (nil as Entry?, self.takeClosers(&state))
            }
            let successor = state.waiting.removeFirst()
            self.waitingMirror.store(state.waiting.count, ordering: .relaxed)
            return (successor, [])
        }
        successor?.continuation.resume(returning: .lead)
        for closer in closers { closer.resume() }
    }
}

// MARK: - State, under the lock

extension GroupCommitQueue {
    func entry(_ operation: Operation, _ continuation: CheckedContinuation<Wakeup, Never>) -> Entry {
        Entry(operation: operation, continuation: continuation, start: self.limit == nil ? nil : .now)
    }

    func append(_ entry: Entry, to state: inout State) {
        state.waiting.append(entry)
        self.waitingMirror.store(state.waiting.count, ordering: .relaxed)
    }

    func takeWaiting(_ state: inout State) -> [Entry] {
        let waiting = state.waiting
        state.waiting = []
        state.waiting.reserveCapacity(waiting.count)
        self.waitingMirror.store(0, ordering: .relaxed)
        return waiting
    }

    func takeClosers(_ state: inout State) -> [CheckedContinuation<Void, Never>] {
        let closers = state.closers
        state.closers = []
        return closers
    }
}
