import KVStorage

/// The connection that writes: carries out batches of operations, each batch in one transaction.
///
/// `@unchecked Sendable`: used by ``GroupCommitQueue``, which has one commit at a time, and once more after the queue was
/// closed, by ``close()``.
final class Writer: @unchecked Sendable {
    typealias Outcome = Result<WriteOperation.Answer, StorageError>

    var connection: Connection
    /// When the open transaction began, by the driver's clock.
    private(set) var now = Timestamp(milliseconds: 0)
    let events: EventHub
    let reserve: Reserve
    /// Whether the log is to be copied into the database before, or in, the next commit that may block.
    private(set) var isCheckpointDue = false
    private let fileGuard: FileGuard
    private let clock: any StorageClock
    private let busyTimeout: Duration
    // Whether commits run where nothing may block.
    private let isInPlace: Bool
    private var policy: CheckpointPolicy
    /// What the open transaction has changed, emitted after its commit.
    private var changes: [StorageEvent] = []

    init(
        _ connection: consuming Connection,
        _ fileGuard: FileGuard,
        events: EventHub,
        _ configuration: SQLiteDriver.Configuration
    ) {
        connection.countLogPages()
        self.policy = CheckpointPolicy(
            pages: configuration.checkpointPages,
            pageBytes: connection.pageBytes,
            freeBytes: { SQLitePlatform.freeBytes(at: fileGuard.path) }
        )
        self.connection = connection
        self.fileGuard = fileGuard
        self.reserve = Reserve(
            database: fileGuard.path,
            bytes: configuration.reserveBytes,
            mode: SQLitePlatform.identity(of: fileGuard.path)?.mode ?? configuration.fileMode
        )
        self.events = events
        self.clock = configuration.clock
        self.busyTimeout = configuration.busyTimeout
        self.isInPlace = !configuration.durability.flushes
        // A new log starts with a flush of its header, even where commits don't flush.
        self.isCheckpointDue = self.isInPlace
    }

    deinit { self.close(truncating: false) }

    /// Carries out the operations; blocks as long as another process holds the database, up to the timeout.
    func commit(_ operations: [WriteOperation]) -> [Outcome] {
        if self.isCheckpointDue { self.checkpoint() }
        do throws(StorageError) {
            try self.begin()
        } catch {
            return operations.map { _ in .failure(error) }
        }
        let outcomes = self.commitBegun(operations)
        if self.isCheckpointDue, !self.isInPlace { self.checkpoint() }
        return outcomes
    }

    /// Carries out the operations, or returns `nil` if that would block: another process holds the database right now, the
    /// log is to be copied, or the disk is full.
    func commitUnlessBlocking(_ operations: [WriteOperation]) -> [Outcome]? {
        if self.isCheckpointDue { return nil }
        do throws(StorageError) {
            try self.requireWhole()
            try self.connection.run(.beginImmediate)
        } catch {
            return error.isBusy ? nil : operations.map { _ in .failure(error) }
        }
        switch self.transact(operations) {
        case .success(let outcomes): return outcomes
        case .failure(let error) where operations.count == 1 && error.code != .full: return [.failure(error)]
        // Nothing was written; a transaction for each, or making room, may have to wait.
        case .failure: return nil
        }
    }

    /// Copies the log into the database, as far as nobody else reads from it, and closes the connection.
    func close(truncating: Bool = true) {
        guard self.connection.isOpen else { return }
        if truncating, self.fileGuard.error == nil { self.connection.checkpoint(truncating: true) }
        self.connection.close()
        self.reserve.close()
    }

    private func commitBegun(_ operations: [WriteOperation]) -> [Outcome] {
        switch self.transact(operations) {
        case .success(let outcomes): outcomes
        case .failure(let error) where error.code == .full: self.commitOnFullDisk(operations, error)
        case .failure(let error) where operations.count == 1: [.failure(error)]
        case .failure: self.commitEach(operations)
        }
    }

    private func checkpoint() {
        self.isCheckpointDue = false
        // Where it can't grow, the database gets the room that is kept for removals; a shorter log gives it back.
        guard self.connection.checkpoint(truncating: false) == .full else { return }
        self.reserve.release()
        self.connection.checkpoint(truncating: true)
        self.reserve.make()
    }

    /// Gives each operation a transaction of its own, so that only the one that can't be committed fails.
    func commitEach(_ operations: [WriteOperation]) -> [Outcome] {
        var outcomes: [Outcome] = []
        outcomes.reserveCapacity(operations.count)
        // Once the database is held by somebody else for too long, the rest need not wait as long each.
        var busyError: StorageError?
        for operation in operations {
            do throws(StorageError) {
                if let busyError { throw busyError }
                try self.begin()
                outcomes += self.commitBegun([operation])
            } catch {
                if error.isBusy { busyError = error }
                outcomes.append(.failure(error))
            }
        }
        return outcomes
    }

    /// Carries out the operations in the open transaction and commits it; fails if the transaction does.
    func transact(_ operations: [WriteOperation]) -> Result<[Outcome], StorageError> {
        self.transact { () throws(StorageError) in
            var outcomes: [Outcome] = []
            outcomes.reserveCapacity(operations.count)
            var writer = self
            for operation in operations {
                let changeCount = self.changes.count
                do throws(StorageError) {
                    outcomes.append(.success(try operation.run(in: &writer)))
                } catch {
                    // Some errors take the whole transaction with them; on a full disk none of it has a future.
                    guard self.connection.isInTransaction, error.code != .full else { throw error }
                    self.changes.removeSubrange(changeCount...)
                    outcomes.append(.failure(error))
                }
            }
            return outcomes
        }
    }

    /// Calls the body in the open transaction and commits it; undoes all of it if either fails.
    @inline(__always)
    func transact<Value>(_ body: () throws(StorageError) -> Value) -> Result<Value, StorageError> {
        self.changes.removeAll(keepingCapacity: true)
        self.now = self.clock.now
        let value: Value
        do throws(StorageError) {
            value = try body()
            try self.connection.run(.commit)
        } catch {
            // Without a transaction there is nothing to undo.
            try? self.connection.run(.rollback)
            return .failure(error)
        }
        if self.policy.isDue(logPages: self.connection.logPages) { self.isCheckpointDue = true }
        for change in self.changes { self.events.emit(change) }
        return .success(value)
    }

    /// Notes an event of the open transaction's; one that is undone emits none.
    func note(_ event: StorageEvent) {
        self.changes.append(event)
    }

    // SQLite's own busy handler sleeps up to 100 ms at a time, during which others may take many turns.
    func begin() throws(StorageError) {
        try self.requireWhole()
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

    private func requireWhole() throws(StorageError) {
        if let error = self.fileGuard.error { throw error }
    }
}
