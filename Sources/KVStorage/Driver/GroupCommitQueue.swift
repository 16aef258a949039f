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

    private enum Execution: Sendable {
        case onQueue(DispatchQueue, Commit)
        case inPlace(SuspendingCommit)
    }

    private enum Wakeup: Sendable {
        case done(Outcome)
        /// Commit your own operation and all that wait.
        case lead
    }

    private struct Entry: Sendable {
        let operation: Operation
        let continuation: CheckedContinuation<Wakeup, Never>
    }

    private struct State {
        var isCommitting = false
        var isClosed = false
        var waiting: [Entry] = []
        var closers: [CheckedContinuation<Void, Never>] = []
    }

    private let execution: Execution
    private let lingering: Duration
    private let state = Mutex(State())
    // Mirrors `state.waiting.count`, for a look without the lock.
    private let waitingMirror = Atomic(0)

    /// Creates a queue whose commits run on a serial dispatch queue: for commits that flush, so that a slow disk never
    /// holds a thread of the cooperative pool.
    ///
    /// After a commit for several callers it waits up to `lingering` for as many to come again: without it, the first
    /// that returns would start a commit for itself alone and the others wait for the next.
    package init(on queue: DispatchQueue, lingering: Duration = .microseconds(50), commit: @escaping Commit) {
        self.execution = .onQueue(queue, commit)
        self.lingering = lingering
    }

    /// Creates a queue whose commits run on the thread of the caller that finds it idle: for commits that don't flush.
    ///
    /// When that caller is done and others wait, it hands the lead to one of them, so that nobody works for ever for
    /// others.
    package init(inPlace commit: @escaping SuspendingCommit) {
        self.execution = .inPlace(commit)
        self.lingering = .zero
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
            return try await self.submit(operation, on: queue, commit).get()
        case .inPlace(let commit):
            guard try self.leadsAtOnce() else {
                return try await self.follow(operation, commit).get()
            }
            let outcome = await commit([operation])[0]
            self.handOver()
            return try outcome.get()
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

    private static var closedError: StorageError {
        StorageError(.closed, "the driver was disposed; mount a new one")
    }
}

// MARK: - On a dispatch queue

extension GroupCommitQueue {
    private func submit(_ operation: Operation, on queue: DispatchQueue, _ commit: @escaping Commit) async -> Outcome {
        let wakeup = await withCheckedContinuation { continuation in
            let (isAccepted, isIdle) = self.state.withLock { state in
                guard !state.isClosed else { return (false, false) }
                self.append(Entry(operation: operation, continuation: continuation), to: &state)
                let isIdle = !state.isCommitting
                state.isCommitting = true
                return (true, isIdle)
            }
            if !isAccepted { continuation.resume(returning: .done(.failure(Self.closedError))) }
            if isIdle { queue.async { self.drain(commit) } }
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

    private func linger(for count: Int) {
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
    private func follow(_ operation: Operation, _ commit: SuspendingCommit) async -> Outcome {
        let wakeup: Wakeup = await withCheckedContinuation { continuation in
            let answer: Wakeup? = self.state.withLock { state in
                guard !state.isClosed else { return .done(.failure(Self.closedError)) }
                guard state.isCommitting else {
                    state.isCommitting = true
                    return .lead
                }
                self.append(Entry(operation: operation, continuation: continuation), to: &state)
                return nil
            }
            if let answer { continuation.resume(returning: answer) }
        }
        switch wakeup {
        case .done(let outcome): return outcome
        case .lead: return await self.lead(operation, commit)
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
    private func handOver() {
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
    private func append(_ entry: Entry, to state: inout State) {
        state.waiting.append(entry)
        self.waitingMirror.store(state.waiting.count, ordering: .relaxed)
    }

    private func takeWaiting(_ state: inout State) -> [Entry] {
        let waiting = state.waiting
        state.waiting = []
        state.waiting.reserveCapacity(waiting.count)
        self.waitingMirror.store(0, ordering: .relaxed)
        return waiting
    }

    private func takeClosers(_ state: inout State) -> [CheckedContinuation<Void, Never>] {
        let closers = state.closers
        state.closers = []
        return closers
    }
}
