import CKVStorageLMDB
public import KVStorage

extension LMDBDriver {
    /// Reads on the caller's thread and copies the bytes once.
    public func getItem(_ key: String) async throws(StorageError) -> [UInt8]? {
        try await self.store.readItem(key) { $0.bytes }
    }

    /// Reads the record's header alone.
    public func hasItem(_ key: String) async throws(StorageError) -> Bool {
        try await self.store.readItem(key) { _ in true } ?? false
    }

    /// Reads all in one transaction: the answers are of the same moment.
    public func getItems(_ keys: [String]) async throws(StorageError) -> [[UInt8]?] {
        for key in keys { try self.store.checkLength(of: key) }
        let store = self.store
        return try await store.read { transaction throws(StorageError) in
            var values: [[UInt8]?] = []
            values.reserveCapacity(keys.count)
            for key in keys {
                values.append(try store.record(key, in: transaction)?.bytes)
            }
            return values
        }
    }

    /// Reads each from its one record, and all in one transaction: the answers are of the same moment.
    public func getEntries(_ keys: [String]) async throws(StorageError) -> [Entry?] {
        for key in keys { try self.store.checkLength(of: key) }
        let store = self.store
        return try await store.read { transaction throws(StorageError) in
            let now = store.clock.now
            var entries: [Entry?] = []
            entries.reserveCapacity(keys.count)
            for key in keys {
                let record = try store.record(key, in: transaction)
                entries.append(record.map { Entry(value: $0.bytes, meta: $0.meta(at: now)) })
            }
            return entries
        }
    }

    /// Reads the times of creation and of the last write, the deadline, the size and the custom fields, and no value.
    public func getMeta(_ key: String) async throws(StorageError) -> ItemMeta? {
        let clock = self.store.clock
        return try await self.store.readItem(key) { $0.meta(at: clock.now) }
    }

    /// Calls the body with the item's bytes where they lie in the map, without a copy, and returns what it returns;
    /// `nil` if the item is absent.
    ///
    ///     let width = try await driver.withItemRaw("image") { bytes in
    ///         bytes.unsafeLoadUnaligned(fromByteOffset: 16, as: UInt32.self)
    ///     }
    ///
    /// The bytes are those of one moment: a write meanwhile does not change them. The body runs in place, in a read
    /// transaction, so it should be short and must not wait for anything: for as long as it runs, pages that others
    /// free can't be used again, a map that has to grow makes writers and readers wait, and ``dispose()`` waits, too.
    ///
    /// Keys are the driver's own: those of a `Storage` without the base that the driver is mounted at.
    /// - Throws: `StorageError`, and what the body throws, unchanged.
    public func withItemRaw<Result>(
        _ key: String,
        _ body: (RawSpan) throws -> Result
    ) async throws -> Result? {
        try self.store.checkLength(of: key)
        let reading = try await self.store.beginReading()
        defer { self.store.endReading(reading) }
        guard let record = try self.store.record(key, in: reading.transaction) else { return nil }
        return try body(record.value.bytes)
    }
}

extension Store {
    /// Calls the body with the item's record if it is there.
    @inline(__always)
    func readItem<Value>(
        _ key: String,
        _ body: (Record) -> Value
    ) async throws(StorageError) -> Value? {
        try self.checkLength(of: key)
        return try await self.read { transaction throws(StorageError) in
            try self.record(key, in: transaction).map(body)
        }
    }

    /// Returns the record of an item that has not expired.
    @inline(__always)
    func record(_ key: String, in transaction: Transaction) throws(StorageError) -> Record? {
        try key.withBytes { bytes throws(StorageError) in
            guard let found = try transaction.get(bytes, from: self.databases.items) else { return nil }
            let record = try Record(found)
            return record.isLive(self.clock) ? record : nil
        }
    }

    func earliestDeadline() async throws(StorageError) -> Timestamp? {
        try await self.read { transaction throws(StorageError) in
            try transaction.earliestDeadline(in: self.databases)
        }
    }

    /// - Throws: `StorageError.Code.invalidKey` if LMDB doesn't take keys of that length.
    @inline(__always)
    func checkLength(of key: String) throws(StorageError) {
        let count = key.utf8.count
        guard count > self.maximumKeyBytes || count == 0 else { return }
        throw StorageError(
            .invalidKey,
            "the key has \(count) bytes, LMDB takes 1 to \(self.maximumKeyBytes); shorten it or use its hash",
            key: key
        )
    }
}
