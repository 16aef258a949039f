import KVStorage
import Synchronization

extension Store {
    // Other processes set deadlines that this one is not told of.
    private static var lookInterval: Duration { .seconds(60) }
    // One transaction must not keep the writers waiting for long.
    private static var sweepLimit: Int { 1000 }

    /// Removes what has expired and returns when to look again.
    func sweep(_ now: Timestamp) async -> Timestamp? {
        do throws(StorageError) {
            try await self.inspectIfDue(now)
            // Those who write remove what expired.
            if self.environment.isReadOnly { return Self.nextSweep(after: now, nil) }
            while true {
                let earliest = try await self.earliestDeadline()
                // The write lock is asked for only when there is something to remove.
                guard let earliest, earliest <= now else { return Self.nextSweep(after: now, earliest) }
                let answer = try await self.write(.sweep(deadline: now, limit: Self.sweepLimit))
                // Nothing: the clock was turned back since, or somebody else was quicker.
                if answer.number == 0 { return Self.nextSweep(after: now, earliest) }
            }
        } catch {
            // What failed now, for a full disk or the like, is tried again; a closed driver needs no sweep.
            return error.code == .closed ? nil : now.advanced(by: .seconds(1))
        }
    }

    /// Has the environment's files and readers looked after, once in the interval.
    private func inspectIfDue(_ now: Timestamp) async throws(StorageError) {
        let isDue = self.lastInspection.withLock { last in
            // A clock that was turned back must not put it off.
            guard now < last || last.advanced(by: Self.lookInterval) <= now else { return false }
            last = now
            return true
        }
        guard isDue else { return }
        let environment = self.environment
        try await self.onHousekeeper { environment.inspect() }
    }

    /// Returns the earliest deadline, but no later than when the deadlines of other processes are to be looked at.
    static func nextSweep(after now: Timestamp, _ earliest: Timestamp?) -> Timestamp {
        let latest = now.advanced(by: Self.lookInterval)
        return min(earliest ?? latest, latest)
    }
}
