import KVStorage
import Synchronization

extension LMDBDriver {
    /// Looks after the environment's files and readers, removes what has expired, and returns when to do so again.
    static func sweep(_ now: Timestamp, _ store: Store) async -> Timestamp? {
        do throws(StorageError) {
            try await store.inspectIfDue(now)
        } catch {
            return error.code == .closed ? nil : now.advanced(by: .seconds(1))
        }
        // Those who write remove what expired.
        if store.environment.isReadOnly { return ExpirySweeper.nextLook(after: now, nil) }
        return await ExpirySweeper.removeExpired(by: now) { () throws(StorageError) in
            try await store.earliestDeadline()
        } remove: { operation throws(StorageError) in
            try await store.write(operation)
        }
    }
}

extension Store {
    /// Has the environment's files and readers looked after, once in the interval.
    fileprivate func inspectIfDue(_ now: Timestamp) async throws(StorageError) {
        let isDue = self.lastInspection.withLock { last in
            // A clock that was turned back must not put it off.
            guard now < last || last.advanced(by: ExpirySweeper.lookInterval) <= now else { return false }
            last = now
            return true
        }
        guard isDue else { return }
        let environment = self.environment
        try await self.onHousekeeper { environment.inspect() }
    }
}
