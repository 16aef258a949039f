import Dispatch
import KVStorage
import Synchronization

/// Carries out batches of writes, each batch in one transaction.
///
/// `@unchecked Sendable`: used by `GroupCommitQueue` alone, which has one commit at a time.
final class LMDBWriter: @unchecked Sendable {
    typealias Outcome = Result<WriteOperation.Answer, StorageError>

    let environment: LMDBEnvironment
    /// What the transactions have changed; told when their locks are free again.
    private var changes: [(hub: EventHub, event: StorageEvent)] = []

    init(_ environment: LMDBEnvironment) {
        self.environment = environment
    }

    /// Creates the queue: with flushes on the driver's thread, without them on the caller's.
    func makeQueue() -> GroupCommitQueue<LMDBWrite, WriteOperation.Answer> {
        let thread = self.environment.thread
        if self.environment.synchronous.flushes {
            return GroupCommitQueue(on: thread) { self.commit($0) }
        }
        return GroupCommitQueue(inPlace: { writes in
            if let outcomes = self.commitIfMapSuffices(writes) { return outcomes }
            // Changing the map waits for those who read, which is nothing for a thread of the cooperative pool.
            return await withCheckedContinuation { continuation in
                thread.async { continuation.resume(returning: self.commit(writes)) }
            }
        })
    }

    /// Carries out the writes; blocks while the map is changed.
    private func commit(_ writes: [LMDBWrite]) -> [Outcome] {
        let outcomes = self.environment.writing.withLock { _ in
            switch self.transactGrowing(writes[...]) {
            case .success(let outcomes): return outcomes
            case .failure(let error):
                guard writes.count > 1 else { return [.failure(error)] }
                // Each in a transaction of its own, so that only the one that can't be committed fails.
                return writes.indices.flatMap { index -> [Outcome] in
                    switch self.transactGrowing(writes[index...index]) {
                    case .success(let outcomes): outcomes
                    case .failure(let error): [.failure(error)]
                    }
                }
            }
        }
        self.tell()
        return outcomes
    }

    /// Carries out the writes, or nothing if the transaction fails as a whole.
    private func commitIfMapSuffices(_ writes: [LMDBWrite]) -> [Outcome]? {
        let outcomes: [Outcome]? = self.environment.writing.withLock { _ in
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
        self.tell()
        return outcomes
    }

    private func transactGrowing(_ writes: ArraySlice<LMDBWrite>) -> Result<[Outcome], StorageError> {
        let changeCount = self.changes.count
        do throws(StorageError) {
            return .success(
                try self.environment.transactGrowing(
                    byteCount: writes.reduce(0) { $0 + $1.operation.byteCount },
                    isRemoving: writes.allSatisfy(\.operation.isRemoval)
                ) { transaction throws(StorageError) in
                    // What an attempt before this one has changed was not committed.
                    self.changes.removeSubrange(changeCount...)
                    return try self.run(writes, in: transaction)
                }
            )
        } catch {
            self.changes.removeSubrange(changeCount...)
            return .failure(error)
        }
    }

    /// - Throws: what makes the transaction fail as a whole.
    private func run(
        _ writes: ArraySlice<LMDBWrite>,
        in transaction: LMDBTransaction
    ) throws(StorageError) -> [Outcome] {
        var outcomes: [Outcome] = []
        outcomes.reserveCapacity(writes.count)
        for write in writes {
            let store = write.store
            let isObserved = store.events.isObserved
            let changing = LMDBChange(transaction, store.databases, at: store.clock.now, isObserved: isObserved)
            do throws(StorageError) {
                var change = changing
                outcomes.append(.success(try change.run(write.operation)))
                for event in change.events { self.changes.append((store.events, event)) }
            } catch {
                guard write.operation.isSingle, error.lmdbCode == nil else { throw error }
                outcomes.append(.failure(error))
            }
        }
        return outcomes
    }

    private func tell() {
        for change in self.changes { change.hub.emit(change.event) }
        self.changes.removeAll(keepingCapacity: true)
    }
}
