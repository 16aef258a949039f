import KVStorage

extension Connection {
    /// Opens the connection that writes: checks what lies at the path, then makes or completes the database.
    static func writer(
        _ file: File,
        _ configuration: SQLiteDriver.Configuration
    ) throws(StorageError) -> Connection {
        // The log and the shared index get the permissions of the database.
        if file.isMissing { SQLitePlatform.createFile(file.path, mode: configuration.fileMode) }
        let connection = try Connection(path: file.path, for: .write, configuration)
        guard !connection.isReadOnly else {
            throw StorageError(.permissionDenied, "no permission to write \"\(file.path)\"")
        }
        connection.setBusyTimeout(configuration.busyTimeout)
        // Until the database is known to be the driver's, closing it must not copy a log into it.
        if file.hasLog { connection.keepLogOnClose(true) }
        try connection.rollBackInterrupted(file, configuration)
        let header = try connection.header()
        try file.check(header: header.bytes, fileBytes: header.fileBytes)
        // Some locks, such as the one for the change to WAL, fail at once in spite of the timeout.
        try Self.retrying(for: configuration.busyTimeout) { () throws(StorageError) in
            try connection.prepareDatabase(configuration)
        }
        connection.keepLogOnClose(false)
        try Key.register(on: connection.handle)
        // From here on the writer waits by itself.
        connection.setBusyTimeout(.zero)
        return connection
    }

    /// Opens a connection that reads.
    static func reader(
        _ file: File,
        _ configuration: SQLiteDriver.Configuration
    ) throws(StorageError) -> Connection {
        let purpose: Purpose = file.isImmutable ? .immutable : configuration.readOnly ? .readOnly : .read
        let connection = try Connection(path: file.path, for: purpose, configuration)
        try connection.prepareReading(configuration)
        return connection
    }

    /// Opens a connection for one of the operations on the whole database, which the driver's others go on beside.
    static func maintenance(
        _ file: File,
        _ configuration: SQLiteDriver.Configuration,
        writes: Bool
    ) throws(StorageError) -> Connection {
        var configuration = configuration
        // Each page is needed once.
        configuration.cacheBytes = min(configuration.cacheBytes ?? .max, 2 << 20)
        guard writes else { return try self.reader(file, configuration) }
        let connection = try Connection(path: file.path, for: .read, configuration)
        try connection.setDurability(configuration)
        try connection.setCache(configuration)
        return connection
    }

    /// Checks a database that is only read, and returns a connection to it.
    static func readOnly(
        _ file: File,
        _ configuration: SQLiteDriver.Configuration
    ) throws(StorageError) -> Connection {
        do throws(StorageError) {
            if file.hasJournal, !file.isImmutable, SQLitePlatform.writeAccess(to: file.path) == .granted {
                // A connection that only reads can't do it.
                let writer = try Connection(path: file.path, for: .read, configuration)
                writer.setBusyTimeout(configuration.busyTimeout)
                if file.hasLog { writer.keepLogOnClose(true) }
                try writer.rollBackInterrupted(file, configuration)
            }
            let purpose: Purpose = file.isImmutable ? .immutable : .readOnly
            let connection = try Connection(path: file.path, for: purpose, configuration)
            try connection.rollBackInterrupted(file, configuration)
            let header = try connection.header()
            try file.check(header: header.bytes, fileBytes: header.fileBytes)
            try Self.retrying(for: configuration.busyTimeout) { () throws(StorageError) in
                try connection.prepareReading(configuration)
                guard try Schema.inspect(connection, table: configuration.tableName) == .current else {
                    throw StorageError(
                        .incompatibleFormat,
                        "the database has no table \"\(configuration.tableName)\", and with readOnly none is made"
                    )
                }
            }
            return connection
        } catch {
            throw error.explainingReading(of: file.path)
        }
    }

    /// Has SQLite undo the transaction in which another program was killed, so that the file is whole before it is judged.
    ///
    /// Only a journal that begins as SQLite's own is its affair: beside a file that is no database, anything else is
    /// somebody's file, which SQLite would delete.
    private borrowing func rollBackInterrupted(
        _ file: File,
        _ configuration: SQLiteDriver.Configuration
    ) throws(StorageError) {
        guard file.hasJournal else { return }
        try Self.retrying(for: configuration.busyTimeout) { () throws(StorageError) in
            try self.execute("SELECT 1 FROM sqlite_master LIMIT 1")
        }
    }

    private borrowing func prepareDatabase(_ configuration: SQLiteDriver.Configuration) throws(StorageError) {
        let state = try Schema.inspect(self, table: configuration.tableName)
        // Counts for a database without content only.
        try self.execute("PRAGMA page_size = 8192")
        let mode = try self.query("PRAGMA journal_mode = WAL") { $0.text(0) }
        guard mode == ["wal"] else {
            throw StorageError(
                .unavailable,
                "the file system can't share a database in WAL mode; use a local one, or set exclusive"
            )
        }
        try self.setDurability(configuration)
        try self.setCache(configuration)
        if state == .missing { try Schema.create(self, table: configuration.tableName) }
    }

    private borrowing func setDurability(_ configuration: SQLiteDriver.Configuration) throws(StorageError) {
        try self.execute("PRAGMA synchronous = \(configuration.durability.synchronous)")
        // On Apple's systems a plain fsync leaves the data in the drive's cache; elsewhere this changes nothing.
        let flushesDrive = configuration.durability.flushes
        try self.execute("PRAGMA fullfsync = \(flushesDrive)")
        try self.execute("PRAGMA checkpoint_fullfsync = \(flushesDrive)")
        try self.execute("PRAGMA journal_size_limit = \(64 << 20)")
        try self.execute("PRAGMA secure_delete = \(configuration.secureDelete ? "ON" : "OFF")")
    }

    private borrowing func prepareReading(_ configuration: SQLiteDriver.Configuration) throws(StorageError) {
        try self.execute("PRAGMA query_only = ON")
        try self.setCache(configuration)
    }

    private borrowing func setCache(_ configuration: SQLiteDriver.Configuration) throws(StorageError) {
        let cacheBytes = configuration.cacheBytes ?? (configuration.exclusive ? 128 << 20 : 64 << 20)
        // Negative numbers are KiB, positive ones pages.
        try self.execute("PRAGMA cache_size = -\(max(cacheBytes / 1024, 1))")
        try self.execute("PRAGMA mmap_size = \(configuration.memoryMapBytes)")
    }

    static func retrying(
        for timeout: Duration,
        _ body: () throws(StorageError) -> Void
    ) throws(StorageError) {
        let end = ContinuousClock.now + timeout
        while true {
            do throws(StorageError) {
                return try body()
            } catch {
                guard error.isBusy, ContinuousClock.now < end else { throw error }
                SQLitePlatform.sleep(microseconds: 1000)
            }
        }
    }
}
