public import KVStorage

/// Keeps items in an LMDB environment: the fastest reads of the durable drivers, ordered, shared by several processes,
/// with lifetimes and metadata.
///
///     try storage.mount("users", .lmdb(at: "data/users"))
///
/// - **Durability.** What was acknowledged survives power loss by default; see ``Configuration/Durability``.
/// - **Atomicity.** Every call is one transaction; `apply` and `commit` carry out all of their writes or
///   none. That holds between processes, too. (``clear(_:)`` goes in pieces where the disk has no room for one transaction.)
/// - **Concurrency.** Reads run on the caller's thread, side by side; they neither wait for a writer nor hold one up.
///   Writes of many tasks are committed together; one that fails fails alone. Another process that writes is waited
///   for, on the driver's thread and no longer than ``Configuration/busyTimeout``: then the write has not been carried
///   out, and never will be.
/// - **Lifetimes.** Expired items are removed within about a minute if another process wrote them, else at once.
/// - **Limits.** Keys of up to 511 bytes of UTF-8 (`Capabilities.maximumKeyBytes`); longer ones throw
///   `StorageError.Code.invalidKey`. Values of almost 4 GiB.
/// - **Size.** The map grows by itself; see ``Configuration/initialSize`` and ``Configuration/maximumSize``. What was
///   removed makes room for what comes; the file shrinks only by ``compact()``. On a full disk writing throws
///   `StorageError.Code.full`, while removing and clearing still work: on Linux, where the file system can
///   do it, half a MiB and a 512th of the file are held back for them behind its end.
/// - **Operations.** ``backup(to:)`` of a running store, ``verify()``, ``compact()``, ``statistics()``.
///
/// One environment may be opened several times in a process, under any path: the drivers share it. Not to be kept on a
/// network file system. A child process made by `fork` must not use the parent's driver: it has to open its own, after
/// `exec` or in a path that the parent has not open.
///
/// ## What LMDB does not do
///
/// - **It has no checksums.** A value whose bytes changed on the medium is read as it is then, and neither opening nor
///   ``verify()`` notices. Where that matters, use a file system with checksums, or keep one in the value.
/// - **It trusts its file**, and one that is damaged could end the process. So opening refuses a file that was cut off,
///   and one whose pages don't fit together; of a large file it looks at the upper pages and some of the others, 32 MiB
///   in all. ``verify()`` looks at all of them.
/// - **Whoever cuts `data.mdb` or `lock.mdb` off while it is open** ends every process that reads there, by the signal
///   `SIGBUS`: the files are mapped into memory. No program can guard against that; give the files permissions
///   (``Configuration/fileMode``) that keep others off.
/// - **It does not look whether its files are still there.** The driver does, once a minute: if they were deleted, moved or
///   replaced, every call throws `StorageError.Code.unavailable` from then on. What was written in that minute went into
///   the files that are gone. To restore a backup, dispose of the drivers in all processes first.
/// - **It does not stand hard links.** A second name in another folder comes with another lock file, and two writers
///   destroy the file. So files with several names (`cp -al`, `rsync --link-dest`) are refused, and when they get one
///   while open, writes are until it is gone.
/// - **A process that is stopped while it writes** (a debugger, `docker pause`) holds up all writers. Their calls are
///   answered after ``Configuration/busyTimeout``, reads go on, and so does everything else once the process goes on or
///   ends; the one thread that waits in LMDB can't be interrupted. ``dispose()`` does not wait for it any longer: then
///   the environment is closed in this process as soon as the lock is free. Stopped in the few instructions in which it
///   enters itself into the table of readers, it also holds up the first reads of others, without a limit.
///
/// ## Layout
///
/// For other programs that read the environment (LMDB's data format 1, numbers little-endian unless said otherwise):
///
/// - The database `kvstorage` (``Configuration/databaseName``) has an entry for each item: the key's UTF-8 bytes, and the
///   record: `UInt8` format, 1; `UInt8` flags; `Int64` time of the last write; `Int64` time of creation if that is
///   another (flag 1); `Int64` deadline (flag 2); `UInt32` length of the metadata (flag 4); the metadata, JSON; the value.
///   Times are milliseconds since 1970 in UTC. From its deadline on an item is to be taken for absent.
/// - `kvstorage:deadlines` (`MDB_DUPSORT`) has an entry for each item with a deadline: the deadline as `Int64` with its
///   highest bit turned around, big-endian, so that entries sort by it, and the item's key as the value. Who changes one
///   of the two databases has to change the other in the same transaction.
/// - `kvstorage:formats` holds for each database name a `UInt32`, the format of its databases, 1.
///
/// Keys that are not UTF-8, or not in the normal form of `normalizeKey(_:)`, are taken for another program's: they are
/// neither listed nor cleared.
public final class LMDBDriver: StorageDriver {
    /// `"lmdb"`.
    public let name = "lmdb"
    /// What the configuration and the LMDB library allow.
    public let capabilities: Capabilities
    /// Where the driver tells of the writes that went through it, and of what it swept.
    public var events: EventHub? { self.store.events }

    let store: Store
    let sweeper: ExpirySweeper
    let fileMode: UInt32?
    let folderMode: UInt32?

    // LMDB keeps the size of a value in 32 bits.
    static let maximumRecordBytes = Int(UInt32.max) - 4096

    /// Opens the environment in the folder at `path`, and makes folder and files (`data.mdb`, `lock.mdb`) if they are
    /// missing.
    ///
    /// A relative path counts from the process's working directory. Blocks while another process writes or opens the
    /// environment, no longer than ``Configuration/busyTimeout`` each. What turns out not to be an environment, or not to
    /// be the driver's, is left untouched. The room that `lock.mdb` needs on the disk is taken before it is used.
    ///
    /// - Throws: `StorageError.Code.invalidOption` for a path whose parent folder is missing or that is a file, and a
    ///   configuration that can't be honoured; `StorageError.Code.incompatibleFormat` for files that are no
    ///   environment, a database of another program or of a newer version; `StorageError.Code.corrupted` for a file
    ///   that was cut off or is damaged; `StorageError.Code.unavailable` for files with hard links, one that others have
    ///   replaced while they have it open, and a lock that is held for too long; `StorageError.Code.permissionDenied`,
    ///   `StorageError.Code.readOnly`, `StorageError.Code.full` as the system says.
    public init(path: String, configuration: Configuration = Configuration()) throws(StorageError) {
        try configuration.validate()
        let lease = try Registry.shared.lease(path, configuration)
        let opened = try lease.environment.open(configuration.databaseName)
        let clock = configuration.clock
        let store = Store(lease, opened.databases, clock)
        self.store = store
        self.fileMode = configuration.fileMode
        self.folderMode = configuration.folderMode
        self.capabilities = configuration.capabilities(maximumKeyBytes: lease.environment.maximumKeyBytes)
        // The sweep must not keep alive a driver that nobody holds any more.
        let sweeper = ExpirySweeper(clock: clock) { [weak store] now in
            guard let store else { return nil }
            return await Self.sweep(now, store)
        }
        self.sweeper = sweeper
        sweeper.schedule(ExpirySweeper.nextLook(after: clock.now, opened.earliest))
    }

    /// Waits for what was accepted; the last driver of an environment flushes what is left to be flushed and closes it.
    ///
    /// A backup or verification that runs is ended, reads are waited for. While another process holds up this one's writer
    /// it does not wait longer than ``Configuration/busyTimeout``; the environment is closed when that one lets go.
    public func dispose() async throws(StorageError) {
        self.sweeper.stop()
        await self.store.close()
    }
}

extension StorageDriver where Self == LMDBDriver {
    /// A driver that keeps items in the LMDB environment in the folder at `path`, relative to the working directory.
    ///
    /// - Throws: what ``LMDBDriver/init(path:configuration:)`` throws.
    public static func lmdb(
        at path: String,
        _ configuration: LMDBDriver.Configuration = LMDBDriver.Configuration()
    ) throws(StorageError) -> LMDBDriver {
        try LMDBDriver(path: path, configuration: configuration)
    }
}
