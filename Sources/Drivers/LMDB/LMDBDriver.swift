public import KVStorage

/// Keeps items in an LMDB environment: the fastest reads of the durable drivers, ordered, shared by several processes,
/// with life times and metadata.
///
///     try storage.mount("users", .lmdb(at: "data/users"))
///
/// - **Durability.** What was acknowledged survives power loss by default; see ``Configuration/Synchronous``.
/// - **Atomicity.** Every call is one transaction; ``apply(_:)`` carries out all of its writes or none. That holds
///   between processes, too.
/// - **Concurrency.** Reads run on the caller's thread, side by side; they neither wait for a writer nor hold one up.
///   Writes of many tasks are committed together; one that fails fails alone. Another process that writes is waited
///   for, with ``Configuration/Synchronous/noSync`` on the caller's thread.
/// - **Life times.** Expired items are removed within about a minute if another process wrote them, else at once.
/// - **Limits.** Keys of up to 511 bytes of UTF-8 (`Capabilities.maximumKeyBytes`); longer ones throw
///   `StorageError.Code.invalidKey`. Values of almost 4 GiB.
/// - **Size.** The map grows by itself; see ``Configuration/initialSize`` and ``Configuration/maximumSize``. The file
///   never shrinks; what was removed makes room for what comes.
///
/// One environment may be opened several times in a process, under any path: the drivers share it. Not to be kept on a
/// network file system. A child process made by `fork` must not use the parent's driver: it has to open its own, after
/// `exec` or in a path that the parent has not open.
///
/// LMDB trusts its file, and one that is damaged could end the process. So opening refuses a file that was cut off, and
/// one whose pages don't fit together; of a large file it looks at the upper pages and some of the others, 32 MiB in
/// all.
public final class LMDBDriver: StorageDriver {
    /// `"lmdb"`.
    public let name = "lmdb"
    /// What the configuration and the LMDB library allow.
    public let capabilities: Capabilities
    /// Where the driver tells of the writes that went through it, and of what it swept.
    public var events: EventHub? { self.store.events }

    let store: LMDBStore
    let sweeper: ExpirySweeper

    // LMDB keeps the size of a value in 32 bits.
    static let maximumRecordBytes = Int(UInt32.max) - 4096
    // The rest is left to the header and the metadata.
    private static let maximumValueBytes = maximumRecordBytes - 65_536

    /// Opens the environment in the folder at `path`, and makes folder and files (`data.mdb`, `lock.mdb`) if they are
    /// missing.
    ///
    /// A relative path counts from the process's working directory. Blocks for as long as another process writes. What
    /// turns out not to be an environment, or not to be the driver's, is left untouched.
    ///
    /// - Throws: `StorageError.Code.invalidOption` for a path whose parent folder is missing or that is a file, and a
    ///   configuration that can't be honoured; `StorageError.Code.incompatibleFormat` for files that are no
    ///   environment, a database of another program or of a newer version; `StorageError.Code.corrupted` for a file
    ///   that was cut off or is damaged; `StorageError.Code.permissionDenied`, `StorageError.Code.readOnly`,
    ///   `StorageError.Code.unavailable`, `StorageError.Code.full` as the system says.
    public init(path: String, configuration: Configuration = Configuration()) throws(StorageError) {
        try configuration.validate()
        let lease = try LMDBRegistry.shared.lease(path, configuration)
        let (databases, earliest) = try lease.environment.open(configuration.databaseName)
        let clock = configuration.clock
        let store = LMDBStore(lease, databases, clock)
        self.store = store
        self.capabilities = Capabilities(
            atomicBatch: true,
            interprocess: true,
            orderedKeys: true,
            customMetadata: true,
            watching: .local,
            durability: configuration.synchronous.durability,
            maximumKeyBytes: lease.environment.maximumKeyBytes,
            maximumValueBytes: Self.maximumValueBytes
        )
        // The sweep must not keep alive a driver that nobody holds any more.
        let sweeper = ExpirySweeper(clock: clock) { [weak store] now in await store?.sweep(now) }
        self.sweeper = sweeper
        sweeper.schedule(LMDBStore.nextSweep(after: clock.now, earliest))
    }

    /// Waits for what was accepted; the last driver of an environment flushes what is left to be flushed and closes it.
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
