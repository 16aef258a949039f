package import Dispatch

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

    typealias Line = CommitLine<Operation, Value>
    typealias Entry = Line.Entry

    private enum Execution: Sendable {
        case onQueue(DispatchQueue, Commit)
        case inPlace(SuspendingCommit)
        case locking(DispatchQueue, LockingCommit, Attempt?)
    }

    private let execution: Execution
    private let lingering: Duration
    let limit: TimeLimit?
    let line = Line()

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
    package var waitingCount: Int { self.line.waitingCount }

    /// Whether ``close()`` was called.
    package var isClosed: Bool { self.line.isClosed }

    /// Carries out the operation and returns its result once it is committed.
    ///
    /// - Throws: what the commit says of this operation; ``StorageError/Code/closed`` after ``close()``.
    package func submit(_ operation: Operation) async throws(StorageError) -> Value {
        switch self.execution {
        case .onQueue(let queue, let commit):
            return try await self.submit(operation, on: queue) { self.drain(commit) }.get()
        case .inPlace(let commit):
            guard try self.line.leadsAtOnce() else {
                return try await self.follow(operation) { await self.lead($0, commit) }.get()
            }
            let outcome = await commit([operation])[0]
            self.line.handOver()
            return try outcome.get()
        case .locking(let queue, let commit, let attempt?):
            guard try self.line.leadsAtOnce() else {
                return try await self.follow(operation) { await self.lead($0, attempt, queue, commit) }.get()
            }
            if let outcomes = attempt([operation]) {
                self.line.handOver()
                return try outcomes[0].get()
            }
            return try await self.fallBack(operation, [], queue, commit).get()
        case .locking(let queue, let commit, nil):
            return try await self.submit(operation, on: queue) { self.drain(commit) }.get()
        }
    }

    /// Waits for what was accepted; from the call on, submissions throw ``StorageError/Code/closed``.
    package func close() async {
        await self.line.close()
    }

    func entry(_ operation: Operation, _ continuation: CheckedContinuation<Line.Wakeup, Never>) -> Entry {
        Entry(operation: operation, continuation: continuation, start: self.limit == nil ? nil : .now)
    }
}

// MARK: - On a dispatch queue

extension GroupCommitQueue {
    private func submit(
        _ operation: Operation,
        on queue: DispatchQueue,
        _ drain: @escaping @Sendable () -> Void
    ) async -> Outcome {
        let wakeup = await withCheckedContinuation { continuation in
            if self.line.join(self.entry(operation, continuation)) { queue.async(execute: drain) }
        }
        // The queue's thread leads, never a caller.
        guard case .done(let outcome) = wakeup else { return .failure(Line.closedError) }
        return outcome
    }

    private func drain(_ commit: Commit) {
        while let batch = self.line.takeBatchOrRest() {
            let outcomes = commit(batch.map(\.operation))
            for (entry, outcome) in zip(batch, outcomes) { entry.answer(outcome) }
            self.linger(for: batch.count)
        }
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
    // On the cooperative pool, so that the lead never goes to a task that has to wait for its actor.
    @concurrent
    private func follow(_ operation: Operation, _ lead: @Sendable (Operation) async -> Outcome) async -> Outcome {
        let wakeup: Line.Wakeup = await withCheckedContinuation { continuation in
            self.line.follow(self.entry(operation, continuation))
        }
        switch wakeup {
        case .done(let outcome): return outcome
        case .lead: return await lead(operation)
        }
    }

    private func lead(_ operation: Operation, _ commit: SuspendingCommit) async -> Outcome {
        let followers = self.line.takeWaiting()
        let outcomes = await commit([operation] + followers.map(\.operation))
        return self.end(outcomes, followers)
    }

    /// Answers the followers, hands over the lead and returns the leader's own outcome.
    func end(_ outcomes: [Outcome], _ followers: [Entry]) -> Outcome {
        for (follower, outcome) in zip(followers, outcomes.dropFirst()) { follower.answer(outcome) }
        self.line.handOver()
        return outcomes[0]
    }
}
