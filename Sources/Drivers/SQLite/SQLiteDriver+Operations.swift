public import KVStorage

/// What concerns the whole database. Each call runs on a thread and a connection of its own, beside reads and writes; a
/// cancelled task's throws `StorageError.Code.cancelled`, and every call throws `StorageError.Code.closed` after
/// ``SQLiteDriver/dispose()`` and `StorageError.Code.unavailable` when it had to wait for a lock for longer than
/// `busyTimeout`.
extension SQLiteDriver {
    /// Copies the database, as it is at one moment, into a new file, while others read and write.
    ///
    /// The copy holds the whole file, an application's own tables included. It has the permission bits of the database,
    /// is flushed to the medium, and has its name only when it is complete: a backup that fails or is cancelled leaves
    /// nothing, one whose process is killed a file named like it with `-partial` and a number at the end.
    ///
    /// Takes as long as reading and writing the file once. It takes no lock that a reader or writer waits for; but until
    /// its end the log keeps everything that is written, and grows by that.
    ///
    /// To restore a backup: dispose every driver, in every process, that has the database open; remove the files with
    /// `-wal`, `-shm` and `-journal` at the end beside it; put the copy in its place; open it again.
    ///
    /// - Parameter path: where no file is yet, in a folder that is there.
    /// - Throws: `StorageError.Code.invalidOption` if there is a file or no folder; `StorageError.Code.full`,
    ///   `StorageError.Code.permissionDenied`, `StorageError.Code.inputOutput` as the system says.
    public func backup(to path: String) async throws(StorageError) {
        let operations = self.operations
        try await operations.run { operation throws(StorageError) in
            try Backup(of: operations.file, to: path, operations.configuration).run(operation)
        }
    }

    /// Reads everything and says what is wrong with it: SQLite's `quick_check` of the whole file, then each row of the
    /// driver's table, its value included, and whether its deadline is in the index that finds what expired.
    ///
    /// Values have no checksum, so a bit that was flipped in one is not found. The answer is of one moment. Takes as long as
    /// reading the file twice and no lock that others wait for; the log grows meanwhile by what is written.
    ///
    /// - Throws: what opening the database throws; damage that is found is in the answer.
    public func verify() async throws(StorageError) -> StoreVerification {
        let operations = self.operations
        return try await operations.run { operation throws(StorageError) in
            let connection = try Connection.maintenance(operations.file, operations.configuration, writes: false)
            var verification = Verification(operations.configuration.tableName)
            return try verification.run(connection, operation)
        }
    }

    /// Counts items and bytes.
    ///
    /// `StoreStatistics.byteCount` is of the whole file and those beside it, an application's own tables included. How
    /// many readers there are is not known to SQLite. Counting reads every page of the driver's table, without its large
    /// values: in proportion to the number of items.
    public func statistics() async throws(StorageError) -> StoreStatistics {
        let operations = self.operations
        return try await operations.run { operation throws(StorageError) in
            let connection = try Connection.maintenance(operations.file, operations.configuration, writes: false)
            operation.interrupts(connection)
            return try operation.retrying { () throws(StorageError) in
                try connection.statistics(operations.file.path, table: operations.configuration.tableName)
            }
        }
    }

    /// Makes the file as small as what it holds: `VACUUM`, then ``checkpoint()``.
    ///
    /// Rewrites the whole file, an application's own tables included, into a temporary file, from there into the log, and
    /// from there into the database: up to three times its size on the disk, as many bytes written. Others read
    /// meanwhile. **Writes wait, and fail with `StorageError.Code.unavailable` after `busyTimeout`**; call it when there is
    /// little to do. Tables of the application's own without an `INTEGER PRIMARY KEY` get new rowids.
    ///
    /// - Throws: `StorageError.Code.full` if there is no room, `StorageError.Code.readOnly` with `readOnly`; nothing is lost.
    public func compact() async throws(StorageError) {
        let operations = self.operations
        try await operations.run(writes: true) { operation throws(StorageError) in
            let connection = try Connection.maintenance(operations.file, operations.configuration, writes: true)
            operation.interrupts(connection)
            try operation.retrying { () throws(StorageError) in try connection.execute("VACUUM") }
            try operation.checkpoint(connection)
        }
    }

    /// Copies the log into the database and cuts it to nothing, so that the one file holds all that was written before.
    ///
    /// Needed by nobody but who copies the file, or wants the work done in an idle moment. Waits for readers that still read
    /// from the log; writes wait for it while it copies.
    ///
    /// - Throws: `StorageError.Code.unavailable` if somebody read from the log for longer than `busyTimeout`;
    ///   `StorageError.Code.full` if the database can't grow; `StorageError.Code.readOnly` with `readOnly`. Nothing is lost.
    public func checkpoint() async throws(StorageError) {
        let operations = self.operations
        try await operations.run(writes: true) { operation throws(StorageError) in
            let connection = try Connection.maintenance(operations.file, operations.configuration, writes: true)
            try operation.checkpoint(connection)
        }
    }
}

extension Operation {
    fileprivate func checkpoint(_ connection: borrowing Connection) throws(StorageError) {
        // The connection has to have seen the log before it knows of one.
        try self.retrying { () throws(StorageError) in try connection.execute("SELECT 1 FROM sqlite_master LIMIT 1") }
        try self.retrying { () throws(StorageError) in try connection.truncateLog() }
    }
}
