extension ExpirySweeper {
    /// How long until an engine looks at its deadlines again: other processes set some that this one is not told of.
    package static var lookInterval: Duration { .seconds(60) }

    // One transaction must not keep the writers waiting for long.
    private static var sweepLimit: Int { 1000 }

    /// Returns the earliest deadline, but no later than when those of other processes are to be looked at.
    package static func nextLook(after now: Timestamp, _ earliest: Timestamp?) -> Timestamp {
        let latest = now.advanced(by: Self.lookInterval)
        return min(earliest ?? latest, latest)
    }

    /// Removes what has expired, whoever wrote it, some items at a time, and returns when to look again; `nil` if the driver
    /// is closed.
    ///
    /// `earliest` reads the earliest deadline in the store; `remove` carries out a ``WriteOperation/sweep(deadline:limit:)``.
    package static func removeExpired(
        by now: Timestamp,
        earliest: () async throws(StorageError) -> Timestamp?,
        remove: (WriteOperation) async throws(StorageError) -> WriteOperation.Answer
    ) async -> Timestamp? {
        do throws(StorageError) {
            while true {
                let next = try await earliest()
                // The write lock is asked for only when there is something to remove.
                guard let next, next <= now else { return Self.nextLook(after: now, next) }
                let answer = try await remove(.sweep(deadline: now, limit: Self.sweepLimit))
                // Nothing: the clock was turned back since, or somebody else was quicker.
                if answer.number == 0 { return Self.nextLook(after: now, next) }
            }
        } catch {
            // What failed now, for a full disk or another's lock, is tried again; a closed driver needs no sweep.
            return error.code == .closed ? nil : now.advanced(by: .seconds(1))
        }
    }
}
