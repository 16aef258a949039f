import CKVStorageLMDB
import Dispatch
public import KVStorage

extension LMDBDriver {
    /// Copies the environment as it is at one moment, while it is read and written, into a new folder at `path`.
    ///
    /// The folder, whose parent has to be there, gets a `data.mdb` that is whole and flushed when the call returns:
    /// everything that was acknowledged before the call is in it, the databases of other drivers and programs included.
    /// A call that fails leaves nothing. The copy is itself an environment, so `.lmdb(at: path)` opens it. To restore it
    /// dispose of all drivers on the store in all processes, delete the store's `lock.mdb`, put the copy's `data.mdb` in
    /// place of its `data.mdb`, and open the store again; never while it is open.
    ///
    /// Takes a reader's place in the environment, as a long read does: what is removed or overwritten meanwhile can't be
    /// used again until it ends, so the file may grow. Neither reads nor writes wait for it. Runs on a thread of its own;
    /// ``dispose()`` ends it.
    ///
    /// Never copy the files of an open environment in this process by other means: closing `lock.mdb` drops the locks
    /// that LMDB has on it.
    /// - Throws: `StorageError.Code.invalidOption` if there is something at `path` or its parent is missing,
    ///   `StorageError.Code.full`, `StorageError.Code.permissionDenied` as the system says,
    ///   `StorageError.Code.cancelled`, `StorageError.Code.closed`.
    public func backup(to path: String) async throws(StorageError) {
        let target = try Backup(path: path, fileMode: self.fileMode, folderMode: self.folderMode)
        try await self.store.operate { snapshot, operation throws(StorageError) in
            try target.write(snapshot) { () throws(StorageError) in try operation.check() }
        }
    }

    /// Looks through the whole environment: reads every page of it and checks that it is what those above it say and that
    /// none is used twice; then reads every item of this driver, and checks that its deadline is listed.
    ///
    /// LMDB keeps no checksums, so a value whose bytes changed on the medium is not noticed. Reads and writes go on
    /// meanwhile; the pages are those of one moment, the items are read a thousand at a time. Takes a reader's place for
    /// as long as it reads pages, as ``backup(to:)`` does, and about as long as reading the file once. Runs on a thread
    /// of its own; ``dispose()`` ends it.
    /// - Throws: `StorageError.Code.inputOutput` if the medium can't be read, `StorageError.Code.cancelled`,
    ///   `StorageError.Code.closed`.
    public func verify() async throws(StorageError) -> StoreVerification {
        let problem = try await self.store.operate { snapshot, operation throws(StorageError) in
            try snapshot.file.problem(of: snapshot.meta) { () throws(StorageError) in try operation.check() }
        }
        // LMDB follows pages blindly: what is damaged must not be read through it.
        if let problem { return StoreVerification(itemCount: 0, problems: [problem]) }
        var check = ItemCheck()
        while try await self.store.verifyItems(&check) {
            guard !Task.isCancelled else { throw StorageError(.cancelled, "the task was cancelled") }
        }
        return check.verification
    }

    /// Gives the disk back what the environment does not use: writes what is in it into a new file, which takes the old
    /// one's place.
    ///
    /// Needs the environment to itself: no other driver of this process and no other process may have it open, and those
    /// that open it meanwhile wait or are refused. This driver's own calls wait until it is done. Needs as much room on
    /// the disk as is in use; all or nothing, also after a kill or power loss. The databases of other drivers and programs
    /// are kept. Runs on a thread of its own.
    /// - Throws: `StorageError.Code.unavailable` if others use the environment, `StorageError.Code.full` if there is no
    ///   room, `StorageError.Code.readOnly`, `StorageError.Code.closed`.
    public func compact() async throws(StorageError) {
        let environment = self.store.environment
        try self.store.requireOpen()
        guard !environment.isReadOnly else { throw .lmdbReadOnly }
        // On the thread of those who look after the files, which must not take the exchange for a loss.
        try await self.store.onHousekeeper { () throws(StorageError) in
            try Registry.shared.compact(environment)
        }
    }

    /// Counts what the environment holds and who reads it.
    ///
    /// The items are this driver's; bytes, free bytes and readers are the environment's, whose files other databases may
    /// share. Reads the list of free pages, which is short as a rule.
    /// - Throws: `StorageError.Code.corrupted`, `StorageError.Code.closed`.
    public func statistics() async throws(StorageError) -> StoreStatistics {
        let environment = self.store.environment
        let databases = self.store.databases
        let itemCount = try await self.store.read { transaction throws(StorageError) in
            try transaction.count(of: databases.items)
        }
        // Before this call is a reader itself.
        let readers = try await self.store.onHousekeeper { () throws(StorageError) in try environment.readerList() }
        let (free, byteCount, transaction) = try await self.store.operate { snapshot, _ throws(StorageError) in
            let count = try snapshot.file.freePageCount(of: snapshot.meta)
            // Not compacted while there is a snapshot.
            return (count * snapshot.meta.pageBytes, environment.files.byteCount, snapshot.meta.transaction)
        }
        let oldest = readers.min()
        return StoreStatistics(
            itemCount: itemCount,
            byteCount: byteCount,
            freeByteCount: free,
            readerCount: readers.count,
            oldestReaderLag: oldest.map { $0 < transaction ? Int(clamping: transaction - $0) : 0 }
        )
    }
}

extension Files {
    fileprivate var byteCount: Int {
        [self.dataPath, self.lockPath].reduce(0) { $0 + Int(LMDBPlatform.look(at: $1)?.byteCount ?? 0) }
    }
}

extension Environment {
    /// Returns the transactions that somebody reads in just now, in all processes.
    fileprivate func readerList() throws(StorageError) -> [UInt64] {
        var lines: [String] = []
        let code = withUnsafeMutablePointer(to: &lines) { pointer in
            mdb_reader_list(
                self.handle,
                { text, context in
                    guard let text, let context else { return -1 }
                    context.assumingMemoryBound(to: [String].self).pointee.append(String(cString: text))
                    return 0
                },
                pointer
            )
        }
        guard code >= 0 else { throw StorageError(lmdb: code) }
        // Process, thread and transaction, or "-" for one that does not read.
        return lines.joined().split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ")
            return words.count == 3 ? words.last.flatMap { UInt64($0) } : nil
        }
    }
}
