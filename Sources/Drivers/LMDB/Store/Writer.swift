import KVStorage
import Synchronization

/// Carries out batches of writes, each batch in one transaction.
///
/// A batch that fails as a whole is carried out again write by write, so that only the one that can't be committed fails.
///
/// `@unchecked Sendable`: used by `GroupCommitQueue` alone, which has one commit at a time.
final class Writer: @unchecked Sendable {
    typealias Outcome = Result<WriteOperation.Answer, StorageError>

    let environment: Environment
    /// What the transactions have changed; told when their locks are free again.
    private var changes: [(hub: EventHub, event: StorageEvent)] = []
    private var attempts = Attempts()

    init(_ environment: Environment) {
        self.environment = environment
    }

    /// Carries out the writes that `claim` hands out, or prepares for their next attempt; blocks while it waits for the
    /// lock, and while the map is changed.
    func commit(_ claim: () -> [Write]) -> Queue.LockingOutcome {
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
    func commitAtOnce(_ writes: [Write]) -> [Outcome]? {
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
        var hasChanged = false
        var isRemoving = true
        for write in writes {
            let store = write.store
            let isObserved = store.events.isObserved
            let changing = Change(transaction, store.databases, at: store.clock.now, isObserved: isObserved)
            do throws(StorageError) {
                var change = changing
                let answer = try write.operation.run(in: &change)
                outcomes.append(.success(answer))
                guard write.operation.mayHaveChanged(answer) else { continue }
                hasChanged = true
                isRemoving = isRemoving && write.operation.isRemoval
                for event in change.events { self.changes.append((store.events, event)) }
                // Has somebody who begins to listen before the commit learn that there is something to be read again.
                if !isObserved { self.changes.append((store.events, .lagged)) }
            } catch {
                guard write.operation.isSingle, error.lmdbCode == nil else { throw error }
                outcomes.append(.failure(error))
            }
        }
        if hasChanged {
            try environment.reserve?.keep(isRemoving: isRemoving, in: transaction, of: environment.handle)
        }
        return outcomes
    }

    private func tell() {
        for change in self.changes { change.hub.emit(change.event) }
        self.changes.removeAll(keepingCapacity: true)
    }
}
