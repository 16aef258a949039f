import KVStorage

extension SQLiteDriver {
    // Other processes set deadlines that this one is not told of.
    static var lookInterval: Duration { .seconds(60) }
    // One transaction must not keep the writers waiting for long.
    private static var sweepLimit: Int { 1000 }

    /// Looks whether the file is still the one that was opened and has reads and writes refused while it is not.
    static func look(_ readers: ReaderPool, _ fileGuard: FileGuard) async {
        // SQLite knows its own file; where it can't be asked, as nothing may be read, the path alone says it.
        let hasMoved = fileGuard.error == nil ? try? await readers.read { reader in reader.hasMoved } : false
        fileGuard.look(hasMoved: hasMoved ?? false)
        readers.refuse(fileGuard.error)
    }

    /// Removes what has expired, whoever wrote it, and returns when to look again.
    static func sweep(
        _ now: Timestamp,
        _ queue: GroupCommitQueue<WriteOperation, WriteOperation.Answer>,
        _ readers: ReaderPool
    ) async -> Timestamp? {
        do throws(StorageError) {
            while true {
                let next = try await readers.read { reader throws(StorageError) in
                    try reader.earliestDeadlineOrLater(now)
                }
                // The write lock is asked for only when there is something to remove.
                if next > now { return next }
                let answer = try await queue.submit(.sweep(deadline: now, limit: Self.sweepLimit))
                // Nothing: the clock was turned back since, or somebody else was quicker.
                if answer.number == 0 { return next }
            }
        } catch {
            // What failed now, for a full disk or another's lock, is tried again; a closed driver needs no sweep.
            return error.code == .closed ? nil : now.advanced(by: .seconds(1))
        }
    }
}

extension Reader {
    /// Returns the earliest deadline, but no later than when the deadlines of other processes are to be looked at.
    func earliestDeadlineOrLater(_ now: Timestamp) throws(StorageError) -> Timestamp {
        let latest = now.advanced(by: SQLiteDriver.lookInterval)
        return min(try self.earliestDeadline() ?? latest, latest)
    }
}
