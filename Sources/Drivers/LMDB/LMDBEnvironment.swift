import CKVStorageLMDB
import Dispatch
import KVStorage
import Synchronization

/// An open environment: all that LMDB has of it in this process, whatever number of drivers use it.
///
/// `@unchecked Sendable`: LMDB's environment handle may be used by any thread, and what changes is under ``writing``.
final class LMDBEnvironment: @unchecked Sendable {
    let handle: OpaquePointer
    let dataPath: String
    let readers: LMDBReaderPool
    let synchronous: LMDBDriver.Configuration.Synchronous
    let maximumSize: Int?
    /// Where commits run that may block, and the closing.
    let thread = DispatchQueue(label: "KVStorageLMDB.writer")

    /// Held by whoever has the write transaction or changes the map; guards what follows it.
    ///
    /// LMDB has one writer at a time anyway. This lock also keeps the map as it is while there is one.
    let writing = Mutex(())
    var mapSize: Int
    var databases: [String: LMDBDatabases] = [:]
    /// Why the environment is of no use any more, if so.
    var failure: StorageError?

    /// How many bytes a key may have: 511 as LMDB is built by default.
    var maximumKeyBytes: Int { Int(mdb_env_get_maxkeysize(self.handle)) }

    // Two for each driver and one for the formats.
    private static let maximumDatabases: UInt32 = 121
    private static let maximumReaders: UInt32 = 1000

    /// Opens the environment in a folder that was looked at before, and makes its files if they are missing.
    init(_ folder: LMDBFolder, _ configuration: LMDBDriver.Configuration) throws(StorageError) {
        var created: OpaquePointer?
        try LMDBTransaction.check(mdb_env_create(&created))
        guard let handle = created else { throw StorageError(lmdb: LMDBPlatform.invalidArgument) }
        let mapSize = max(
            min(Self.rounded(configuration.initialSize), Self.limit(configuration.maximumSize)),
            folder.usedBytes
        )
        do throws(StorageError) {
            try LMDBTransaction.check(mdb_env_set_mapsize(handle, mapSize))
            try LMDBTransaction.check(mdb_env_set_maxdbs(handle, Self.maximumDatabases))
            try LMDBTransaction.check(mdb_env_set_maxreaders(handle, Self.maximumReaders))
            // Without MDB_NOTLS a read transaction would be bound to its thread.
            let flags = UInt32(MDB_NOTLS | configuration.synchronous.flags)
            try LMDBTransaction.check(mdb_env_open(handle, folder.path, flags, 0o666))
            // Readers that were killed keep pages from being used again.
            try LMDBTransaction.check(mdb_reader_check(handle, nil))
            try Self.checkPages(handle, folder)
            if folder.isNew, configuration.synchronous.flushes { try folder.flush() }
        } catch {
            mdb_env_close(handle)
            throw error
        }
        self.handle = handle
        self.dataPath = folder.dataPath
        // Larger than asked for, if another process has made the environment grow meanwhile.
        var info = MDB_envinfo()
        mdb_env_info(handle, &info)
        self.mapSize = info.me_mapsize
        self.synchronous = configuration.synchronous
        self.maximumSize = configuration.maximumSize
        let readerCount = configuration.maximumReaders ?? min(max(LMDBPlatform.processorCount * 2, 4), 64)
        self.readers = LMDBReaderPool(handle, count: min(readerCount, Int(Self.maximumReaders)))
    }

    /// Looks at the pages before LMDB follows them.
    private static func checkPages(_ handle: OpaquePointer, _ folder: LMDBFolder) throws(StorageError) {
        let file = try LMDBFile(path: folder.dataPath)
        // Another process would have to commit twice while a page is read, each time.
        for _ in 0..<100 {
            var transaction: OpaquePointer?
            let code = mdb_txn_begin(handle, nil, UInt32(MDB_RDONLY), &transaction)
            if code == MDB_MAP_RESIZED {
                try LMDBTransaction.check(mdb_env_set_mapsize(handle, 0))
                continue
            }
            try LMDBTransaction.check(code)
            defer { mdb_txn_abort(transaction) }
            if try file.checkPages(of: UInt64(mdb_txn_id(transaction))) { return }
        }
        throw file.damaged
    }

    /// Flushes what was left to be flushed and closes the environment; nobody writes any more.
    func close() {
        self.writing.withLock { _ in
            if self.failure == nil {
                self.readers.hold()
                self.readers.close(with: .lmdbClosed)
                self.failure = .lmdbClosed
            }
            // What can't be flushed now was acknowledged as not flushed.
            if self.synchronous != .full { mdb_env_sync(self.handle, 1) }
            mdb_env_close(self.handle)
        }
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

    /// Runs the body on the driver's own thread, where it may block.
    func onThread(_ body: @escaping @Sendable () -> Void) async {
        await withCheckedContinuation { continuation in
            self.thread.async {
                body()
                continuation.resume()
            }
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
        _ body: (LMDBTransaction) throws(StorageError) -> Result
    ) throws(StorageError) -> Result {
        try self.requireMap()
        var begun: OpaquePointer?
        try LMDBTransaction.check(mdb_txn_begin(self.handle, nil, 0, &begun))
        guard let begun else { throw StorageError(lmdb: LMDBPlatform.invalidArgument) }
        let result: Result
        do throws(StorageError) {
            result = try body(LMDBTransaction(handle: begun))
        } catch {
            mdb_txn_abort(begun)
            throw error
        }
        try LMDBTransaction.check(mdb_txn_commit(begun))
        return result
    }
}

extension StorageError {
    static var lmdbClosed: StorageError {
        StorageError(.closed, "the driver was disposed; mount a new one")
    }
}
