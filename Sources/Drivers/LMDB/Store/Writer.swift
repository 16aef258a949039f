import Dispatch
import KVStorage
import Synchronization

/// Carries out batches of writes, each batch in one transaction.
///
/// A batch that fails as a whole is carried out again write by write, so that only the one that can't be committed fails.
///
/// `@unchecked Sendable`: used by `GroupCommitQueue` alone, which has one commit at a time.
final class Writer: @unchecked Sendable {
    typealias Outcome = Result<WriteOperation.Answer, StorageError>
    typealias Queue = GroupCommitQueue<Write, WriteOperation.Answer>

    let environment: Environment
    /// What the transactions have changed; told when their locks are free again.
    private var changes: [(hub: EventHub, event: StorageEvent)] = []
    private var attempts = Attempts()

    init(_ environment: Environment) {
        self.environment = environment
    }

    /// Creates the queue: with flushes on the driver's thread; without them on the caller's, as far as that need not wait.
    func makeQueue() -> Queue {
        let error = StorageError(
            .unavailable,
            """
            another process has held the environment's lock for writing for longer than busyTimeout; nothing was \
            written, try again or see what that process does
            """
        )
        let limit = Queue.TimeLimit(self.environment.busyTimeout, error)
        var attempt: Queue.Attempt?
        if !self.environment.synchronous.flushes { attempt = { writes in self.commitAtOnce(writes) } }
        return Queue(on: self.environment.thread, limit: limit, attempt: attempt) { claim in self.commit(claim) }
    }

    /// Carries out the writes that `claim` hands out, or prepares for their next attempt; blocks while it waits for the
    /// lock, and while the map is changed.
    private func commit(_ claim: () -> [Write]) -> Queue.LockingOutcome {
        let outcome = self.environment.writing.withLock { _ in
            let outcome = self.attempt(claim)
            if case .done = outcome { self.attempts.end(self.environment) }
            return outcome
        }
        self.tell()
        return outcome
    }

    private func attempt(_ claim: () -> [Write]) -> Queue.LockingOutcome {
        let changeCount = self.changes.count
        var writes: [Write]?
        do throws(StorageError) {
            try self.attempts.prepare(self.environment)
            let outcomes = try self.environment.transact { transaction throws(StorageError) in
                let claimed = claim()
                writes = claimed
                return try self.run(claimed[...], in: transaction)
            }
            return .done(outcomes)
        } catch {
            self.changes.removeSubrange(changeCount...)
            do throws(StorageError) {
                try self.attempts.plan(
                    after: error,
                    byteCount: writes?.reduce(0) { $0 + $1.operation.byteCount } ?? 0,
                    isRemoving: writes?.allSatisfy(\.operation.isRemoval) ?? false,
                    self.environment
                )
                return .again
            } catch {
                guard let writes else { return .done(claim().map { _ in .failure(error) }) }
                return writes.count > 1 ? .oneByOne : .done(writes.map { _ in .failure(error) })
            }
        }
    }

    /// Carries out the writes without waiting for anything, or returns `nil`, having changed nothing.
    private func commitAtOnce(_ writes: [Write]) -> [Outcome]? {
        guard let lock = self.environment.lock, !lock.mayBeTaken else { return nil }
        let outcomes = self.environment.writing.withLockIfAvailable { _ -> [Outcome]? in
            let changeCount = self.changes.count
            do throws(StorageError) {
                return try self.environment.transact { transaction throws(StorageError) in
                    try self.run(writes[...], in: transaction)
                }
            } catch {
                self.changes.removeSubrange(changeCount...)
                return nil
            }
        }
        guard let outcomes, let outcomes else { return nil }
        self.tell()
        return outcomes
    }

    /// - Throws: what makes the transaction fail as a whole.
    private func run(
        _ writes: ArraySlice<Write>,
        in transaction: Transaction
    ) throws(StorageError) -> [Outcome] {
        let environment = self.environment
        if environment.reserve == nil { environment.reserve = Reserve(transaction, of: environment.handle) }
        var outcomes: [Outcome] = []
        outcomes.reserveCapacity(writes.count)
        for write in writes {
            let store = write.store
            let isObserved = store.events.isObserved
            let changing = Change(transaction, store.databases, at: store.clock.now, isObserved: isObserved)
            do throws(StorageError) {
                var change = changing
                outcomes.append(.success(try change.run(write.operation)))
                for event in change.events { self.changes.append((store.events, event)) }
            } catch {
                guard write.operation.isSingle, error.lmdbCode == nil else { throw error }
                outcomes.append(.failure(error))
            }
        }
        try environment.reserve?.keep(for: writes, in: transaction, of: environment.handle)
        return outcomes
    }

    private func tell() {
        for change in self.changes { change.hub.emit(change.event) }
        self.changes.removeAll(keepingCapacity: true)
    }
}
