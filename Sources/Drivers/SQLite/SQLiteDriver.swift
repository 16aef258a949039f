import Dispatch
public import KVStorage
import Synchronization

/// Keeps items in a table of a SQLite database: durable, ordered, shared by several processes, with life times and
/// metadata.
///
///     try storage.mount("users", .sqlite(at: "users.db"))
///
/// - **Durability.** What was acknowledged survives power loss by default; see ``Configuration/Synchronous``.
/// - **Atomicity.** Every call is one transaction; ``apply(_:)`` carries out all of its writes or none. That holds between
///   processes, too.
/// - **Concurrency.** Reads run on the caller's thread, side by side. Writes of many tasks are committed together; one that
///   fails fails alone.
/// - **Life times.** Expired items are removed from the table within about a minute if another process wrote them, else at
///   once.
/// - **Limits.** A value of up to about 1 GB (`Capabilities.maximumValueBytes`), a key of any length. An item is
///   read and written as a whole.
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
    let readers: SQLiteReaderPool
    // The three are there unless the driver is read-only.
    let queue: GroupCommitQueue<WriteOperation, WriteOperation.Answer>?
    let sweeper: ExpirySweeper?
    private let writer: SQLiteWriter?
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
        try SQLiteConnection.requireVersion()
        let file = try SQLiteFile(path: path, readOnly: configuration.readOnly)
        let clock = configuration.clock
        self.clock = clock
        let events = EventHub()
        self.events = events
        if configuration.readOnly {
            let connection = try SQLiteConnection.readOnly(file, configuration)
            self.capabilities = configuration.capabilities(maximumRowBytes: connection.maximumRowBytes)
            self.readers = SQLiteReaderPool(first: SQLiteReader(connection), path: file.path, configuration)
            self.writer = nil
            self.queue = nil
            self.sweeper = nil
            return
        }
        let connection = try SQLiteConnection.writer(file, configuration)
        self.capabilities = configuration.capabilities(maximumRowBytes: connection.maximumRowBytes)
        let reader = SQLiteReader(try SQLiteConnection.reader(file.path, configuration))
        let readers = SQLiteReaderPool(first: reader, path: file.path, configuration)
        self.readers = readers
        let flushes = configuration.synchronous == .full
        if !flushes { connection.checkpointByHand() }
        let writer = SQLiteWriter(connection, events: events, clock: clock, busyTimeout: configuration.busyTimeout)
        self.writer = writer
        let queue = Self.queue(writer, on: self.thread, flushes: flushes)
        self.queue = queue
        // The sweep must not keep alive a driver that nobody holds any more.
        let sweeper = ExpirySweeper(clock: clock) { [weak queue, weak readers] now in
            guard let queue, let readers else { return nil }
            return await Self.sweep(now, queue, readers)
        }
        self.sweeper = sweeper
        sweeper.schedule(try reader.earliestDeadlineOrLater(clock.now))
    }

    /// Waits for what was accepted, copies the log into the database and closes all connections.
    public func dispose() async throws(StorageError) {
        self.sweeper?.stop()
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

extension SQLiteDriver.Configuration {
    fileprivate func capabilities(maximumRowBytes: Int) -> Capabilities {
        Capabilities(
            atomicBatch: true,
            interprocess: !self.exclusive,
            orderedKeys: true,
            customMetadata: true,
            readOnly: self.readOnly,
            watching: .local,
            durability: self.synchronous.durability,
            // SQLite's limit is for a row; the rest is left to the key and the metadata.
            maximumValueBytes: max(maximumRowBytes - 65_536, maximumRowBytes / 2)
        )
    }
}
