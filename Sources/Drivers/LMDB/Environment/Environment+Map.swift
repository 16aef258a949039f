import CKVStorageLMDB
import KVStorage

extension Environment {
    /// Runs a write transaction again and again until the map is large enough for it.
    ///
    /// To be called under ``writing``. Blocks while the map is changed.
    func transactGrowing<Result>(
        _ body: (Transaction) throws(StorageError) -> Result
    ) throws(StorageError) -> Result {
        var attempts = Attempts()
        while true {
            try attempts.prepare(self)
            do throws(StorageError) {
                return try self.transact(body)
            } catch {
                try attempts.plan(after: error, byteCount: 0, isRemoving: false, self)
            }
        }
    }

    /// Takes over the size that another process has given to the environment.
    func adoptMapSize() throws(StorageError) {
        try self.setMapSize(0)
    }

    // A multiple of any page size in use.
    private static var unit: Int { 64 << 10 }

    static func rounded(_ byteCount: Int) -> Int {
        byteCount > .max - self.unit ? self.limit(nil) : (byteCount + self.unit - 1) / self.unit * self.unit
    }

    static func limit(_ maximumSize: Int?) -> Int {
        (maximumSize ?? .max) / self.unit * self.unit
    }

    var limit: Int { Self.limit(self.maximumSize) }

    func grow(by byteCount: Int) throws(StorageError) {
        // Twice what is written, as pages are copied and values begin on a page of their own.
        let (doubled, overflow) = byteCount.multipliedReportingOverflow(by: 2)
        let needed = Self.rounded(overflow ? .max : doubled)
        var step = max(self.mapSize, needed)
        while step / 2 > needed, !LMDBPlatform.canMap(self.size(with: step)) { step /= 2 }
        try self.setMapSize(self.size(with: step))
    }

    private func size(with step: Int) -> Int {
        let (sum, overflow) = self.mapSize.addingReportingOverflow(step)
        return overflow ? self.limit : min(Self.rounded(sum), self.limit)
    }

    /// Changes the map while nobody reads; 0 stands for the size that the environment's files say.
    func setMapSize(_ size: Int) throws(StorageError) {
        try self.requireMap()
        // LMDB gives the old map up before it asks for the new one. Should there be no address space, that has to be
        // known before.
        guard size == 0 || LMDBPlatform.canMap(size) else {
            throw StorageError(.full, "there is no address space to map \(size) bytes; nothing was written")
        }
        try self.holdReaders()
        let code = mdb_env_set_mapsize(self.handle, size)
        guard code == MDB_SUCCESS else {
            let error = StorageError(
                .unavailable,
                "the environment could not be mapped again; dispose of its drivers and open them again",
                underlying: StorageError(lmdb: code).underlying
            )
            // Without a map nobody may read: the slots stay taken.
            self.readers.close(with: error)
            self.failure = error
            throw error
        }
        var info = MDB_envinfo()
        mdb_env_info(self.handle, &info)
        self.mapSize = info.me_mapsize
        self.readers.release()
    }

    /// Takes all readers' slots, waiting for reads no longer than ``busyTimeout``; now and then those that come get
    /// their turn. Blocks.
    private func holdReaders() throws(StorageError) {
        let end = ContinuousClock.now + self.busyTimeout
        while !self.readers.hold(within: .milliseconds(100)) {
            guard ContinuousClock.now < end else {
                throw StorageError(
                    .unavailable,
                    "a read keeps the map from growing for longer than busyTimeout; nothing was written, try again"
                )
            }
            for _ in 0..<1000 { LMDBPlatform.pause(.max) }
        }
    }
}
