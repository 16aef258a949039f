import CKVStorageLMDB
import Dispatch
import KVStorage
import Synchronization

/// An open environment: all that LMDB has of it in this process, whatever number of drivers use it.
///
/// `@unchecked Sendable`: LMDB's environment handle may be used by any thread, and what changes is under ``writing``.
final class Environment: @unchecked Sendable {
    /// Another one after compacting, which nobody else can be using the environment during.
    private(set) var handle: OpaquePointer
    let dataPath: String
    let readers: ReaderPool
    let durability: LMDBDriver.Configuration.Durability
    let maximumSize: Int?
    let isReadOnly: Bool
    let busyTimeout: Duration
    private let configuration: LMDBDriver.Configuration
    /// Which files are open, and under what names.
    private(set) var files: Files
    let lock: WriteLock?
    /// Where commits run that may block.
    let thread = DispatchQueue(label: "KVStorageLMDB.writer")
    /// Where everything else runs that may block but for what has a queue of its own: looking after the files, closing.
    let housekeeping = DispatchQueue(label: "KVStorageLMDB.housekeeping")
    /// How many snapshots there are; see ``EnvironmentSnapshot``.
    let snapshotCount = Atomic(0)
    /// Whether a write transaction is being waited for.
    let isWaitingForLock = Atomic(false)

    /// Held by whoever has the write transaction or changes the map; guards what follows it.
    ///
    /// LMDB has one writer at a time anyway. This lock also keeps the map as it is while there is one.
    let writing = Mutex(())
    var mapSize: Int
    var databases: [String: Databases] = [:]
    /// What is held back of the disk, once databases were opened for writing.
    var reserve: Reserve?
    /// Why the environment is of no use any more, if so.
    var failure: StorageError?
    /// Whether LMDB has let go of the environment.
    private var isClosed = false
    /// Why it must not be written just now, if so.
    var writeRefusal: StorageError?

    /// How many bytes a key may have: 511 as LMDB is built by default.
    var maximumKeyBytes: Int { Int(mdb_env_get_maxkeysize(self.handle)) }

    // Two for each driver and one for the formats.
    private static let maximumDatabases: UInt32 = 121
    static let maximumReaders: UInt32 = 1000

    /// Opens the environment in a folder that was looked at before, and makes its files if they are missing.
    init(
        _ folder: Folder,
        _ lock: WriteLock?,
        _ configuration: LMDBDriver.Configuration
    ) throws(StorageError) {
        let (handle, files) = try Self.open(folder, configuration)
        self.handle = handle
        self.files = files
        self.lock = lock
        self.configuration = configuration
        self.isReadOnly = configuration.readOnly
        self.busyTimeout = configuration.busyTimeout
        self.dataPath = files.dataPath
        // Larger than asked for, if another process has made the environment grow meanwhile.
        var info = MDB_envinfo()
        mdb_env_info(handle, &info)
        self.mapSize = info.me_mapsize
        self.durability = configuration.durability
        self.maximumSize = configuration.maximumSize
        let readerCount = configuration.maximumReaders ?? min(max(LMDBPlatform.processorCount * 2, 4), 64)
        self.readers = ReaderPool(handle, count: min(readerCount, Int(Self.maximumReaders)))
    }

    private static func open(
        _ folder: Folder,
        _ configuration: LMDBDriver.Configuration
    ) throws(StorageError) -> (OpaquePointer, Files) {
        var created: OpaquePointer?
        try Transaction.check(mdb_env_create(&created))
        guard let handle = created else { throw StorageError(lmdb: LMDBPlatform.invalidArgument) }
        let mapSize = max(
            min(Self.rounded(configuration.initialSize), Self.limit(configuration.maximumSize)),
            folder.usedBytes
        )
        do throws(StorageError) {
            try Transaction.check(mdb_env_set_mapsize(handle, mapSize))
            try Transaction.check(mdb_env_set_maxdbs(handle, Self.maximumDatabases))
            try Transaction.check(mdb_env_set_maxreaders(handle, Self.maximumReaders))
            // Without MDB_NOTLS a read transaction would be bound to its thread.
            let access = configuration.readOnly ? MDB_RDONLY : 0
            let flags = UInt32(MDB_NOTLS | configuration.durability.flags | access)
            let mode = mdb_mode_t(configuration.fileMode ?? 0o666)
            try Transaction.check(mdb_env_open(handle, folder.path, flags, mode))
            // Readers that were killed keep pages from being used again.
            try Transaction.check(mdb_reader_check(handle, nil))
            try Self.checkPages(handle, folder)
            if folder.isNew, configuration.durability.flushes { try folder.flush() }
            let files = try Files(folder)
            return (handle, files)
        } catch {
            mdb_env_close(handle)
            throw error
        }
    }

    /// Looks at the pages before LMDB follows them.
    private static func checkPages(_ handle: OpaquePointer, _ folder: Folder) throws(StorageError) {
        let file = try File(path: folder.dataPath)
        // Another process would have to commit twice while a page is read, each time.
        for _ in 0..<100 {
            var transaction: OpaquePointer?
            let code = mdb_txn_begin(handle, nil, UInt32(MDB_RDONLY), &transaction)
            if code == MDB_MAP_RESIZED {
                try Transaction.check(mdb_env_set_mapsize(handle, 0))
                continue
            }
            try Transaction.check(code)
            defer { mdb_txn_abort(transaction) }
            if try file.checkPages(of: UInt64(mdb_txn_id(transaction))) { return }
        }
        // So the table of locks speaks of transactions that the file knows nothing of.
        throw file.foreignLock
    }

    /// Flushes what was left to be flushed and closes the environment, for which nobody may use it any more; returns
    /// `false`, having done nothing, while a transaction is still being waited for.
    func closeIfIdle() -> Bool {
        self.writing.withLockIfAvailable { _ -> Void in
            if self.failure == nil {
                self.readers.hold()
                self.readers.close(with: .lmdbClosed)
                self.failure = .lmdbClosed
            }
            // What can't be flushed now was acknowledged as not flushed.
            if self.durability != .powerLoss, !self.isReadOnly, !self.isClosed { mdb_env_sync(self.handle, 1) }
            if !self.isClosed { mdb_env_close(self.handle) }
            self.isClosed = true
        } != nil
    }

    /// Runs the body, which may block, on the housekeeper's thread and waits for it; while a write transaction is waited
    /// for, no longer than ``busyTimeout``.
    func onHousekeeper(_ body: @escaping @Sendable () -> Void) async {
        let wakeup = Wakeup()
        await withCheckedContinuation { continuation in
            wakeup.set(continuation)
            self.housekeeping.async {
                body()
                wakeup.resume()
            }
            wakeup.resume(after: self.busyTimeout, if: { self.isWaitingForLock.load(ordering: .relaxed) })
        }
    }

    /// Waits until no write transaction runs or is waited for. Blocks.
    func waitForWriter() {
        self.writing.withLock { _ in }
    }

    /// Waits for the reads that are running. Blocks.
    func waitForReaders() {
        self.writing.withLock { _ in
            // Without a map there are none.
            guard self.failure == nil else { return }
            self.readers.hold()
            self.readers.release()
        }
    }

    /// - Throws: why the environment is of no use any more.
    func requireMap() throws(StorageError) {
        if let failure = self.failure { throw failure }
    }

    /// Runs the body in a write transaction and commits it; if the body throws, nothing is changed.
    ///
    /// To be called under ``writing``. A write transaction belongs to the thread that has begun it.
    func transact<Result>(
        _ body: (Transaction) throws(StorageError) -> Result
    ) throws(StorageError) -> Result {
        try self.requireMap()
        if let refusal = self.writeRefusal { throw refusal }
        var begun: OpaquePointer?
        self.isWaitingForLock.store(true, ordering: .relaxed)
        let code = mdb_txn_begin(self.handle, nil, 0, &begun)
        self.isWaitingForLock.store(false, ordering: .relaxed)
        try Transaction.check(code)
        guard let begun else { throw StorageError(lmdb: LMDBPlatform.invalidArgument) }
        let result: Result
        do throws(StorageError) {
            result = try body(Transaction(handle: begun))
        } catch {
            mdb_txn_abort(begun)
            throw error
        }
        try Transaction.check(mdb_txn_commit(begun))
        return result
    }
}

extension Environment {
    /// Closes the environment, has `body` change its files, and opens it again, with the same handles of databases.
    ///
    /// To be called under ``writing`` with all slots of the pool held and nobody reading otherwise. If it can't be
    /// opened again it is of no use any more.
    func closeMeanwhile(_ body: () throws(StorageError) -> Void) throws(StorageError) {
        let names = try self.openNames()
        if self.durability != .powerLoss { mdb_env_sync(self.handle, 1) }
        self.readers.endTransactions()
        mdb_env_close(self.handle)
        self.isClosed = true
        let result = Result { () throws(StorageError) in try body() }
        do throws(StorageError) {
            var folder = try Folder(path: LMDBPlatform.parent(of: self.dataPath))
            try folder.prepare(self.configuration)
            let (handle, files) = try Self.open(folder, self.configuration)
            (self.handle, self.files, self.isClosed) = (handle, files, false)
            self.readers.exchange(handle)
            var info = MDB_envinfo()
            mdb_env_info(handle, &info)
            self.mapSize = info.me_mapsize
            // The file is another one: its blocks are held back when it is next written.
            self.reserve = nil
            try self.reopen(names)
        } catch {
            let failure = StorageError(
                .unavailable,
                "the environment could not be opened again: \(error.message); dispose of its drivers and open them again",
                underlying: error.underlying
            )
            self.readers.close(with: failure)
            self.failure = failure
            throw failure
        }
        try result.get()
    }
}

extension StorageError {
    static var lmdbClosed: StorageError {
        StorageError(.closed, "the driver was disposed; mount a new one")
    }

    static var lmdbReadOnly: StorageError {
        StorageError(.readOnly, "the driver was opened with readOnly; open it without to write")
    }
}
