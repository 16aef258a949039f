import Dispatch
public import KVStorage
import Synchronization

/// Keeps items in a table of a SQLite database: durable, ordered, shared by several processes, with lifetimes and
/// metadata.
///
///     try storage.mount("users", .sqlite(at: "users.db"))
///
/// - **Durability.** What was acknowledged survives power loss by default; see ``Configuration/Durability``.
/// - **Atomicity.** Every call is one transaction; `apply` and `commit` carry out all of their writes or none.
///   That holds between processes, too.
/// - **Concurrency.** Reads run on the caller's thread, side by side. Writes of many tasks are committed together; one that
///   fails fails alone.
/// - **Lifetimes.** Expired items are removed from the table within about a minute if another process wrote them, else at
///   once.
/// - **Limits.** A value of up to about 1 GB (`Capabilities.maximumValueBytes`), a key of any length. An item is
///   read and written as a whole.
///
/// - **Full disks.** The log is copied back early where little is free, and removing goes on when nothing is
///   (``Configuration/reserveBytes``). Where one batch larger than what is left can't be copied out of the log, remove
///   items and call ``compact()``.
/// - **Damage.** SQLite has no checksums: a bit that was flipped in a value is read as it is. A file system with checksums,
///   or SQLite's own `cksumvfs` in a library built with it, finds that; ``verify()`` finds what breaks the file's structure.
/// - **Files.** Beside the database there are `-wal`, `-shm` and `-reserve` while it is open. Copying the one file misses
///   what is in the log: use ``backup(to:)``. A file with a second name (hard link) is refused, one that is moved, replaced or
///   deleted while it is open is noticed within a minute: calls then throw `StorageError.Code.unavailable`.
/// - **Memory.** Up to ``Configuration/cacheBytes`` for each connection, of which there are ``Configuration/maximumReaders``
///   and one more; `sqlite3_soft_heap_limit64` bounds all of a process.
///
/// Other programs may read and write the table; its columns are
///
/// | column | type | what |
/// |---|---|---|
/// | `key` | `TEXT`, primary key | the normal key in UTF-8; rows with any other are skipped |
/// | `deadline` | `INTEGER` or `NULL` | milliseconds since 1970 (UTC) from which on the item is absent |
/// | `created`, `modified` | `INTEGER` | milliseconds since 1970 (UTC) |
/// | `meta` | `BLOB` or `NULL` | the custom fields, as JSON |
/// | `value` | `BLOB` | the bytes |
///
/// `WITHOUT ROWID`, with an index on the deadlines. A column that is added and needs no value is ignored. The table
/// `kvstorage_format` has the number of the layout for each table's name.
///
/// Needs SQLite 3.35 or later.
public final class SQLiteDriver: StorageDriver {
    /// `"sqlite"`.
    public let name = "sqlite"
    /// What the configuration and the SQLite library allow.
    public let capabilities: Capabilities
    /// Where the driver tells of the writes that went through it, and of what it swept.
    public let events: EventHub?

    let clock: any StorageClock
    let readers: ReaderPool
    let operations: Operations
    let sweeper: ExpirySweeper
    // The two are there unless the driver is read-only.
    let queue: Writer.Queue?
    private let writer: Writer?
    // Where writes run that may block, and the closing.
    private let thread = DispatchQueue(label: "KVStorageSQLite.writer")

    /// Opens the database, and makes it if the file is missing or empty.
    ///
    /// A relative path counts from the process's working directory. Blocks while another process holds the database, up to
    /// the busy timeout. What turns out not to be a database, or not to be the driver's, is left untouched.
    ///
    /// - Throws: `StorageError.Code.invalidOption` for a path without a folder, a path that is one, `":memory:"`, and a
    ///   configuration that can't be honoured; `StorageError.Code.incompatibleFormat` for a file that is no
    ///   database, a table of another program or of a newer version; `StorageError.Code.corrupted` for one that was cut
    ///   off; `StorageError.Code.permissionDenied`, `StorageError.Code.readOnly`,
    ///   `StorageError.Code.unavailable`, `StorageError.Code.full` as the system says.
    public init(path: String, configuration: Configuration = Configuration()) throws(StorageError) {
        try configuration.validate()
        try Connection.requireVersion()
        let file = try File(path: path, readOnly: configuration.readOnly)
        self.clock = configuration.clock
        let events = EventHub()
        self.events = events
        let connection =
            if configuration.readOnly {
                try Connection.readOnly(file, configuration)
            } else {
                try Self.openWriter(file, configuration)
            }
        let fileGuard = FileGuard(path: file.path)
        self.operations = Operations(file, fileGuard, configuration)
        self.capabilities = configuration.capabilities(maximumRowBytes: connection.maximumRowBytes)
        if configuration.readOnly {
            let readers = ReaderPool(first: Reader(connection), file, fileGuard, configuration)
            self.readers = readers
            self.writer = nil
            self.queue = nil
            self.sweeper = ExpirySweeper(clock: configuration.clock) { [weak readers] now in
                guard let readers else { return nil }
                await Self.look(readers, fileGuard)
                return ExpirySweeper.nextLook(after: now, nil)
            }
            self.sweeper.schedule(ExpirySweeper.nextLook(after: self.clock.now, nil))
            return
        }
        let reader = Reader(try Connection.reader(file, configuration))
        let readers = ReaderPool(first: reader, file, fileGuard, configuration)
        self.readers = readers
        let writer = Writer(connection, fileGuard, events: events, configuration)
        self.writer = writer
        let thread = self.thread
        let queue = writer.makeQueue(on: thread, flushes: configuration.durability.flushes)
        self.queue = queue
        let reserve = writer.reserve
        // The sweep must not keep alive a driver that nobody holds any more.
        self.sweeper = ExpirySweeper(clock: configuration.clock) { [weak queue, weak readers, weak reserve] now in
            guard let queue, let readers else { return nil }
            await Self.look(readers, fileGuard)
            let next = await Self.sweep(now, queue, readers)
            // What another process gave back, or this one when the disk was full. Writing it belongs on the thread.
            if let reserve { thread.async { reserve.make() } }
            return next
        }
        self.sweeper.schedule(ExpirySweeper.nextLook(after: self.clock.now, try reader.earliestDeadline()))
    }

    private static func openWriter(
        _ file: File,
        _ configuration: Configuration
    ) throws(StorageError) -> Connection {
        do throws(StorageError) {
            return try Connection.writer(file, configuration)
        } catch {
            guard error.code == .full else { throw error }
            // Opening takes room for the index of the log.
            Reserve.release(beside: file.path)
            return try Connection.writer(file, configuration)
        }
    }

    /// Waits for what was accepted, copies the log into the database and closes all connections.
    ///
    /// A backup, verification or compaction that runs is ended early and throws `StorageError.Code.closed`.
    public func dispose() async throws(StorageError) {
        self.sweeper.stop()
        await self.operations.close()
        await self.queue?.close()
        await self.readers.close()
        guard let writer = self.writer else { return }
        // Closing flushes, and so belongs on the driver's thread.
        await withCheckedContinuation { continuation in
            self.thread.async {
                writer.close()
                continuation.resume()
            }
        }
    }
}

extension StorageDriver where Self == SQLiteDriver {
    /// A driver that keeps items in the SQLite database at `path`, relative to the working directory.
    ///
    /// - Throws: what ``SQLiteDriver/init(path:configuration:)`` throws.
    public static func sqlite(
        at path: String,
        _ configuration: SQLiteDriver.Configuration = SQLiteDriver.Configuration()
    ) throws(StorageError) -> SQLiteDriver {
        try SQLiteDriver(path: path, configuration: configuration)
    }
}
