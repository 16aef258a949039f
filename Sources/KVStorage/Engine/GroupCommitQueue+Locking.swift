import Dispatch
import Synchronization

/// Where those are answered whose time is over. Serial, so that its thread is not one of the cooperative pool's, which
/// may all be busy.
private let timeLimitQueue = DispatchQueue(label: "KVStorage.timeLimits")

extension GroupCommitQueue {
    /// How long an operation waits for a lock of other processes, and the error that it is answered with then.
    package struct TimeLimit: Sendable {
        // Less would hit those who wait for no lock but for the system to run a thread.
        private static var shortest: Duration { .milliseconds(50) }

        package let duration: Duration
        package let error: StorageError

        /// Creates a limit; one of less than 50 ms counts as 50 ms.
        package init(_ duration: Duration, _ error: StorageError) {
            self.duration = max(duration, Self.shortest)
            self.error = error
        }
    }

    func drain(_ commit: LockingCommit) {
        while self.beginWaitingForLock() {
            var claimed: [Entry] = []
            let outcome = commit {
                if claimed.isEmpty { claimed = self.claim() }
                return claimed.map(\.operation)
            }
            switch outcome {
            case .done(let outcomes):
                for (entry, outcome) in zip(claimed, outcomes) { entry.continuation.resume(returning: .done(outcome)) }
                self.linger(for: claimed.count)
            case .again:
                self.putBack(claimed)
            case .oneByOne:
                self.putBack(claimed, loneCount: claimed.count)
            }
        }
    }

    /// Returns whether anything waits; else the queue is idle from then on.
    private func beginWaitingForLock() -> Bool {
        let now = ContinuousClock.now
        let (isWanted, isFirst, closers) = self.state.withLock { state in
            guard !state.waiting.isEmpty else {
                state.isCommitting = false
                state.lockedSince = nil
                return (false, false, self.takeClosers(&state))
            }
            // Counts on while a commit is called again for the same operations.
            if state.lockedSince == nil { state.lockedSince = now }
            defer { state.isWatched = true }
            return (true, !state.isWatched, [])
        }
        for closer in closers { closer.resume() }
        if isFirst, let limit = self.limit { self.watch(after: limit.duration) }
        return isWanted
    }

    private func claim() -> [Entry] {
        self.state.withLock { state in
            state.lockedSince = nil
            guard state.loneCount > 0, !state.waiting.isEmpty else { return self.takeWaiting(&state) }
            state.loneCount -= 1
            let first = state.waiting.removeFirst()
            self.mirror(state)
            return [first]
        }
    }

    /// Has entries wait again, before all others.
    private func putBack(_ entries: [Entry], loneCount: Int = 0) {
        self.state.withLock { state in
            // A lone one stays so.
            state.loneCount = state.loneCount > 0 ? state.loneCount + entries.count : loneCount
            state.waiting.insert(contentsOf: entries, at: 0)
            self.mirror(state)
        }
    }
}

// MARK: - The caller's thread first

extension GroupCommitQueue {
    func lead(
        _ operation: Operation,
        _ attempt: Attempt,
        _ queue: DispatchQueue,
        _ commit: @escaping LockingCommit
    ) async -> Outcome {
        let followers = self.state.withLock { self.takeWaiting(&$0) }
        guard let outcomes = attempt([operation] + followers.map(\.operation)) else {
            return await self.fallBack(operation, followers, queue, commit)
        }
        for (index, follower) in followers.enumerated() {
            follower.continuation.resume(returning: .done(outcomes[index + 1]))
        }
        self.handOver()
        return outcomes[0]
    }

    /// Leaves to the queue's thread what could not be done on the caller's.
    func fallBack(
        _ operation: Operation,
        _ followers: [Entry],
        _ queue: DispatchQueue,
        _ commit: @escaping LockingCommit
    ) async -> Outcome {
        let wakeup = await withCheckedContinuation { continuation in
            self.putBack([self.entry(operation, continuation)] + followers)
            queue.async { self.drain(commit) }
        }
        // The queue's thread leads, never a caller.
        guard case .done(let outcome) = wakeup else { return .failure(Self.closedError) }
        return outcome
    }
}

// MARK: - The time limit

extension GroupCommitQueue {
    private func watch(after delay: Duration) {
        let (seconds, attoseconds) = delay.components
        // Longer than a day is as good as a day: then it looks again.
        let interval = Double(min(seconds, 86_400)) + Double(attoseconds) / 1e18
        timeLimitQueue.asyncAfter(deadline: .now() + interval) { [weak self] in self?.look() }
    }

    /// Answers those whose time is over while a commit waits for the lock, and looks again when the next one's is.
    private func look() {
        guard let limit = self.limit else { return }
        let now = ContinuousClock.now
        var next = limit.duration
        let late = self.state.withLock { state -> [Entry]? in
            guard state.isCommitting else {
                state.isWatched = false
                return nil
            }
            guard let lockedSince = state.lockedSince else { return [] }
            var late: [Entry] = []
            var loneCount = state.loneCount
            var kept: [Entry] = []
            for (index, entry) in state.waiting.enumerated() {
                let rest = limit.duration - max(entry.start ?? lockedSince, lockedSince).duration(to: now)
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
            return late
        }
        guard let late else { return }
        for entry in late { entry.continuation.resume(returning: .done(.failure(limit.error))) }
        self.watch(after: max(next, .milliseconds(1)))
    }

    private func mirror(_ state: borrowing State) {
        self.waitingMirror.store(state.waiting.count, ordering: .relaxed)
    }
}
