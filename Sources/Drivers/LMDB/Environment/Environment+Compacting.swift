import CKVStorageLMDB
import KVStorage
import Synchronization

extension Environment {
    /// Writes all that is in the environment into a new file, without the pages that are free, and puts that in the old
    /// one's place. Blocks.
    ///
    /// - Throws: `StorageError.Code.unavailable` if anybody else has the environment open.
    func compact() throws(StorageError) {
        let end = ContinuousClock.now + self.busyTimeout
        while true {
            let result = self.writing.withLockIfAvailable { _ in
                Result { () throws(StorageError) in try self.compactAlone() }
            }
            if let result { return try result.get() }
            guard ContinuousClock.now < end else { throw Self.inUse }
            LMDBPlatform.pause(.max)
        }
    }

    private static var inUse: StorageError {
        StorageError(
            .unavailable,
            "others use the environment, and compacting needs it alone; end them, or call it when they are gone"
        )
    }

    private func compactAlone() throws(StorageError) {
        try self.requireMap()
        guard self.readers.hold(within: self.busyTimeout) else { throw Self.inUse }
        // A backup or a verification keeps a place that is not the pool's.
        guard self.snapshotCount.load(ordering: .sequentiallyConsistent) == 0 else {
            self.readers.release()
            throw Self.inUse
        }
        defer { if self.failure == nil { self.readers.release() } }
        var info = MDB_envinfo()
        mdb_env_info(self.handle, &info)
        let (transaction, path) = (UInt64(info.me_last_txnid), LMDBPlatform.parent(of: self.dataPath))
        let lockPath = self.files.lockPath
        try self.closeMeanwhile { () throws(StorageError) in
            // Held until it is closed: who opens the environment waits for that, then finds the new file.
            let lock = try LMDBPlatform.ReadableFile(forLocking: lockPath)
            guard lock.takeAlone() else { throw Self.inUse }
            let result = Result { () throws(StorageError) in
                try Compaction(path: path, transaction: transaction).run()
            }
            lock.end()
            try result.get()
        }
    }

    /// Returns the names of the databases that have handles, in the handles' order.
    func openNames() throws(StorageError) -> [(name: String, handle: MDB_dbi)] {
        var names = self.databases.flatMap { name, databases in
            [(name: name, handle: databases.items), (name: Self.deadlines(name), handle: databases.deadlines)]
        }
        try self.transactReading { transaction throws(StorageError) in
            if let formats = try transaction.openDatabase(Self.formats) {
                names.append((name: Self.formats, handle: formats))
            }
        }
        return names.sorted { $0.handle < $1.handle }
    }

    /// Has the databases get the handles that they had.
    func reopen(_ names: [(name: String, handle: MDB_dbi)]) throws(StorageError) {
        try self.transactReading { transaction throws(StorageError) in
            for (name, handle) in names {
                guard try transaction.openDatabase(name) == handle else {
                    throw StorageError(.unavailable, "the database \"\(name)\" got another handle")
                }
            }
        }
    }

    /// Runs the body in a read transaction whose handles of databases stay.
    private func transactReading(_ body: (Transaction) throws(StorageError) -> Void) throws(StorageError) {
        var begun: OpaquePointer?
        try Transaction.check(mdb_txn_begin(self.handle, nil, UInt32(MDB_RDONLY), &begun))
        guard let begun else { throw StorageError(lmdb: LMDBPlatform.invalidArgument) }
        do throws(StorageError) {
            try body(Transaction(handle: begun))
        } catch {
            mdb_txn_abort(begun)
            throw error
        }
        try Transaction.check(mdb_txn_commit(begun))
    }
}

/// The exchange of an environment's file, that nobody has open, for a smaller one.
struct Compaction {
    let path: String
    /// The last one; the new file goes on counting from there, as the table of locks says.
    let transaction: UInt64

    func run() throws(StorageError) {
        let partial = self.path + "/data.mdb.compacted"
        // What an earlier one left that was killed.
        LMDBPlatform.removeFile(partial)
        do throws(StorageError) {
            let mode = LMDBPlatform.mode(of: self.path + "/data.mdb")
            let target = try LMDBPlatform.WritableFile(new: partial, mode: mode)
            try self.copy(to: target.descriptor)
            let byteCount = try self.count(in: partial, target)
            try target.finish(byteCount: byteCount, as: self.path + "/data.mdb")
            try Folder(path: self.path).flush()
        } catch {
            LMDBPlatform.removeFile(partial)
            throw error
        }
    }

    private func copy(to descriptor: Int32) throws(StorageError) {
        var created: OpaquePointer?
        try Transaction.check(mdb_env_create(&created))
        defer { mdb_env_close(created) }
        try Transaction.check(mdb_env_set_maxdbs(created, 1))
        try Transaction.check(mdb_env_open(created, self.path, UInt32(MDB_RDONLY | MDB_NOLOCK), 0o600))
        let code = mdb_env_copyfd2(created, descriptor, UInt32(MDB_CP_COMPACT))
        guard code != MDB_INCOMPATIBLE else {
            throw StorageError(
                .corrupted,
                "some pages of the environment are neither used nor free; copy the items into a new store instead"
            )
        }
        try Transaction.check(code)
    }

    /// Writes the number of the transaction into the pages that everything begins with, where LMDB begins anew, and
    /// returns how long the file is.
    private func count(
        in path: String,
        _ target: borrowing LMDBPlatform.WritableFile
    ) throws(StorageError) -> UInt64 {
        let file = try LMDBPlatform.ReadableFile(path)
        let pageBytes = Int(try file.read(44, at: 0).number(at: 40, UInt32.self))
        // The second one is that which counts.
        var page = try file.read(152, at: UInt64(pageBytes))
        guard page.count == 152, page.number(at: 16, UInt32.self) == 0xBEEF_C0DE else {
            throw StorageError(.inputOutput, "the compacted file is not whole; nothing was changed")
        }
        page.replaceSubrange(144..<152, with: withUnsafeBytes(of: self.transaction) { [UInt8]($0) })
        for number in 0..<2 {
            page.replaceSubrange(0..<8, with: withUnsafeBytes(of: UInt64(number)) { [UInt8]($0) })
            try target.write(page, at: UInt64(number * pageBytes))
        }
        return file.byteCount
    }
}
