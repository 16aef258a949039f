import CKVStorageLMDB
public import KVStorage

extension LMDBDriver {
    /// Reads the record's header alone.
    public func hasItem(_ key: String) async throws(StorageError) -> Bool {
        try await self.store.readItem(key) { _ in true } ?? false
    }

    /// Reads on the caller's thread and copies the bytes once.
    public func getItem(_ key: String) async throws(StorageError) -> [UInt8]? {
        try await self.store.readItem(key) { $0.bytes }
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

    /// Returns the times of creation and of the last write, what remains of the lifetime, the size and the custom
    /// fields.
    public func getMeta(_ key: String) async throws(StorageError) -> ItemMeta? {
        let clock = self.store.clock
        return try await self.store.readItem(key) { $0.meta(at: clock.now) }
    }

    /// Walks the keys in their order from the cursor, which stands for the last key looked at; subtrees that are too
    /// deep are skipped.
    ///
    /// Keys that are not UTF-8 or not in the normal form are another program's, and skipped.
    public func getKeys(_ query: KeyQuery) async throws(StorageError) -> KeyPage {
        let store = self.store
        return try await store.read { transaction throws(StorageError) in
            try transaction.withCursor(on: store.databases.items) { cursor throws(StorageError) in
                try cursor.page(query, store.clock)
            }
        }
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

extension Cursor {
    fileprivate func page(_ query: KeyQuery, _ clock: any StorageClock) throws(StorageError) -> KeyPage {
        try query.base.withBytes { base throws(StorageError) in
            let limit = max(query.limit, 1)
            var page = KeyPage(keys: [])
            // So that a page of mostly expired, too deep or foreign keys doesn't take forever.
            var budget = limit + min(1000, .max - limit)
            // What is read stays where it is until the transaction ends.
            var last: UnsafeRawBufferPointer?
            var next = try self.start(base, query.cursor)
            while let pair = next, pair.key.hasPrefix(base) {
                if let last, compareBytes(last, pair.key) >= 0 { throw Self.disordered }
                guard page.keys.count < limit, budget > 0 else {
                    page.cursor = last.map { ItemKey.cursor(after: $0) }
                    return page
                }
                budget -= 1
                last = pair.key
                let depth = query.maxDepth
                if let depth, let end = ItemKey.end(ofSubtreeOf: pair.key, deeperThan: depth) {
                    next = try end.withUnsafeBytesTyped { end throws(StorageError) in try self.seek(end) }
                    continue
                }
                // The base itself is no key below it.
                if pair.key.count > base.count, let key = ItemKey.name(pair.key),
                    try Record(pair.value).isLive(clock)
                {
                    page.keys.append(key)
                }
                next = try self.next()
            }
            return page
        }
    }

    /// Goes to the first key below the base that comes after the cursor.
    private func start(_ base: UnsafeRawBufferPointer, _ cursor: String?) throws(StorageError) -> Pair? {
        guard let cursor else { return try self.seek(base) }
        let position = try ItemKey.position(of: cursor)
        return try position.withUnsafeBytesTyped { position throws(StorageError) in
            // It never leads before the base.
            guard compareBytes(position, base) > 0 else { return try self.seek(base) }
            return try self.next(after: position)
        }
    }

    private static var disordered: StorageError {
        StorageError(.corrupted, "the environment's keys are out of order; restore it from a backup")
    }
}
