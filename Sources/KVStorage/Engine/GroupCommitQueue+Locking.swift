import Dispatch

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
                if claimed.isEmpty { claimed = self.line.claim() }
                return claimed.map(\.operation)
            }
            switch outcome {
            case .done(let outcomes):
                for (entry, outcome) in zip(claimed, outcomes) { entry.answer(outcome) }
                self.linger(for: claimed.count)
            case .again:
                self.line.putBack(claimed)
            case .oneByOne:
                self.line.putBack(claimed, loneCount: claimed.count)
            }
        }
    }

    /// Returns whether anything waits; else the queue is idle from then on.
    private func beginWaitingForLock() -> Bool {
        let (isWanted, isUnwatched) = self.line.beginWaitingForLock()
        if isUnwatched, let limit = self.limit { self.watch(after: limit.duration) }
        return isWanted
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
        let followers = self.line.takeWaiting()
        guard let outcomes = attempt([operation] + followers.map(\.operation)) else {
            return await self.fallBack(operation, followers, queue, commit)
        }
        return self.end(outcomes, followers)
    }

    /// Leaves to the queue's thread what could not be done on the caller's.
    func fallBack(
        _ operation: Operation,
        _ followers: [Entry],
        _ queue: DispatchQueue,
        _ commit: @escaping LockingCommit
    ) async -> Outcome {
        let wakeup = await withCheckedContinuation { continuation in
            self.line.putBack([self.entry(operation, continuation)] + followers)
            queue.async { self.drain(commit) }
        }
        // The queue's thread leads, never a caller.
        guard case .done(let outcome) = wakeup else { return .failure(Line.closedError) }
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
        guard let limit = self.limit, let (late, next) = self.line.takeLate(limit.duration) else { return }
        for entry in late { entry.answer(.failure(limit.error)) }
        self.watch(after: max(next, .milliseconds(1)))
    }
}
