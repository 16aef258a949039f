import KVStorage

/// The connection that writes: carries out batches of operations, each batch in one transaction.
///
/// `@unchecked Sendable`: used by ``GroupCommitQueue``, which has one commit at a time, and once more after the queue was
/// closed, by ``close()``.
final class SQLiteWriter: @unchecked Sendable {
    typealias Outcome = Result<WriteOperation.Answer, StorageError>

    /// With how many pages, 32 MiB of 8 KiB each, the log is copied into the database; SQLite's default is 1000.
    ///
    /// A page that was written several times is copied once. 4,000 still fit into one hash table of the log's index,
    /// so that no reader has to look into more ("The WAL-Index File Format", sqlite.org/walformat.html).
    static let checkpointPages = 4000

    var connection: SQLiteConnection
    /// What the transaction has changed; told after its commit.
    var changes: [StorageEvent] = []
    let events: EventHub
    private let clock: any StorageClock
    private let busyTimeout: Duration

    init(
        _ connection: consuming SQLiteConnection,
        events: EventHub,
        clock: any StorageClock,
        busyTimeout: Duration
    ) {
        self.connection = connection
        self.events = events
        self.clock = clock
        self.busyTimeout = busyTimeout
    }

    /// Carries out the operations; blocks as long as another process holds the database, up to the timeout.
    func commit(_ operations: [WriteOperation]) -> [Outcome] {
        do throws(StorageError) {
            try self.begin()
        } catch {
            return operations.map { _ in .failure(error) }
        }
        return self.commitBegun(operations)
    }

    /// Carries out the operations, or returns `nil` if another process holds the database right now.
    func commitUnlessBusy(_ operations: [WriteOperation]) -> [Outcome]? {
        do throws(StorageError) {
            try self.connection.run(.beginImmediate)
        } catch {
            return error.isBusy ? nil : operations.map { _ in .failure(error) }
        }
        return self.commitBegun(operations)
    }

    /// Copies the log into the database, as far as nobody else reads from it, and closes the connection.
    func close() {
        self.connection.checkpoint(truncating: true)
        self.connection.close()
    }

    private func commitBegun(_ operations: [WriteOperation]) -> [Outcome] {
        let outcomes = self.transact(operations)
        guard case .failure(let error) = outcomes else { return outcomes.flattened(operations.count) }
        guard operations.count > 1 else { return [.failure(error)] }
        return self.commitEach(operations)
    }

    /// Gives each operation a transaction of its own, so that only the one that can't be committed fails.
    private func commitEach(_ operations: [WriteOperation]) -> [Outcome] {
        var outcomes: [Outcome] = []
        outcomes.reserveCapacity(operations.count)
        // Once the database is held by somebody else for too long, the rest need not wait as long each.
        var busyError: StorageError?
        for operation in operations {
            do throws(StorageError) {
                if let busyError { throw busyError }
                try self.begin()
                outcomes += self.transact([operation]).flattened(1)
            } catch {
                if error.isBusy { busyError = error }
                outcomes.append(.failure(error))
            }
        }
        return outcomes
    }

    /// Carries out the operations in the open transaction and commits it; fails if the transaction does.
    private func transact(_ operations: [WriteOperation]) -> Result<[Outcome], StorageError> {
        self.changes.removeAll(keepingCapacity: true)
        let now = self.clock.now
        var outcomes: [Outcome] = []
        outcomes.reserveCapacity(operations.count)
        do throws(StorageError) {
            for operation in operations {
                let changeCount = self.changes.count
                do throws(StorageError) {
                    outcomes.append(.success(try self.run(operation, at: now)))
                } catch {
                    // Some errors, such as a full disk, take the whole transaction with them.
                    guard self.connection.isInTransaction else { throw error }
                    self.changes.removeSubrange(changeCount...)
                    outcomes.append(.failure(error))
                }
            }
            try self.connection.run(.commit)
        } catch {
            // Without a transaction there is nothing to undo.
            try? self.connection.run(.rollback)
            return .failure(error)
        }
        for change in self.changes { self.events.emit(change) }
        return .success(outcomes)
    }

    // SQLite's own busy handler sleeps up to 100 ms at a time, during which others may take many turns.
    private func begin() throws(StorageError) {
        let end = ContinuousClock.now + self.busyTimeout
        var pause: UInt32 = 50
        while true {
            do throws(StorageError) {
                return try self.connection.run(.beginImmediate)
            } catch {
                guard error.isBusy, ContinuousClock.now < end else { throw error }
                SQLitePlatform.sleep(microseconds: .random(in: pause / 2...pause))
                pause = min(pause * 2, 2000)
            }
        }
    }
}

extension Result where Success == [SQLiteWriter.Outcome], Failure == StorageError {
    /// The outcomes of a committed transaction, or its failure once for each of its operations.
    fileprivate func flattened(_ count: Int) -> [SQLiteWriter.Outcome] {
        switch self {
        case .success(let outcomes): outcomes
        case .failure(let error): Array(repeating: .failure(error), count: count)
        }
    }
}
