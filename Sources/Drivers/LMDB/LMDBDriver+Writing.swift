public import KVStorage

extension LMDBDriver {
    /// Stores the bytes; they are on the medium as the configuration's synchronous level says when the call returns.
    public func setItem(_ key: String, _ value: [UInt8], _ options: WriteOptions) async throws(StorageError) {
        try self.capabilities.requireSize(of: value, key, "LMDB")
        _ = try await self.write(.set(key: key, value: value, options: options), key)
    }

    /// Removes the item with its metadata.
    public func removeItem(_ key: String) async throws(StorageError) -> Bool {
        try await self.write(.remove(key: key), key).found
    }

    /// Compares and replaces in one transaction.
    public func compareAndSwapItem(
        _ key: String,
        expected: [UInt8]?,
        replacement: [UInt8]?,
        _ options: WriteOptions
    ) async throws(StorageError) -> CompareAndSwapResult {
        if let replacement { try self.capabilities.requireSize(of: replacement, key, "LMDB") }
        let answer = try await self.write(
            .compareAndSwap(key: key, expected: expected, replacement: replacement, options: options),
            key
        )
        return answer.found ? .swapped : .mismatch(current: answer.bytes)
    }

    /// Writes the item anew with the other deadline.
    public func touchItem(_ key: String, ttl: Duration?) async throws(StorageError) -> Bool {
        try await self.write(.touch(key: key, ttl: ttl), key).found
    }

    /// Reads and removes in one transaction.
    public func takeItem(_ key: String) async throws(StorageError) -> [UInt8]? {
        try await self.write(.take(key: key), key).bytes
    }

    /// Reads, adds and writes in one transaction.
    public func incrementItem(
        _ key: String,
        by amount: Int,
        _ options: WriteOptions
    ) async throws(StorageError) -> Int {
        try await self.write(.increment(key: key, amount: amount, options: options), key).number
    }

    /// Keeps the metadata in front of the item's value.
    public func setMeta(_ key: String, _ fields: [UInt8]?) async throws(StorageError) -> Bool {
        if let fields { try self.capabilities.requireSize(of: fields, key, "LMDB") }
        return try await self.write(.setMeta(key: key, fields: fields), key).found
    }

    /// Carries out all of the writes or none.
    public func apply(_ mutations: [Mutation]) async throws(StorageError) -> Int {
        for mutation in mutations {
            try self.store.checkLength(of: mutation.key)
            if case .set(let key, let value, _) = mutation { try self.capabilities.requireSize(of: value, key, "LMDB") }
        }
        return try await self.write(.apply(mutations), nil).number
    }

    /// Removes the items below the base in one transaction: all or none.
    ///
    /// Only where the disk or ``Configuration/maximumSize`` has no room for that transaction it is done in pieces, as
    /// small as they need be, each in a transaction of its own.
    /// - Throws: `StorageError.Code.full` if even removing a single item finds no room, and
    ///   `StorageError.Code.partlyDone` if anything went wrong after some pieces were removed; calling it again goes on.
    public func clear(_ base: String) async throws(StorageError) -> Int {
        do throws(StorageError) {
            return try await self.write(.clear(base: base), nil).number
        } catch {
            guard error.code == .full else { throw error }
        }
        return try await self.clearInPieces(base)
    }

    private func clearInPieces(_ base: String) async throws(StorageError) -> Int {
        var removed = 0
        var query = KeyQuery(base: base, limit: 256)
        do throws(StorageError) {
            while true {
                let page = try await self.getKeys(query)
                do throws(StorageError) {
                    removed += try await self.write(.apply(page.keys.map { .remove(key: $0) }), nil).number
                } catch {
                    guard error.code == .full, page.keys.count > 1 else { throw error }
                    query.limit = max(query.limit / 2, 1)
                    continue
                }
                // What was removed makes room from the next transaction but one on.
                query.limit = min(query.limit * 2, 1000)
                guard let cursor = page.cursor else { return removed }
                query.cursor = cursor
            }
        } catch {
            guard removed > 0 else { throw error }
            throw StorageError(
                .partlyDone,
                "clearing removed \(removed) items, then failed: \(error.message); call it again to remove the rest",
                underlying: error.underlying
            )
        }
    }

    private func write(
        _ operation: WriteOperation,
        _ key: String?
    ) async throws(StorageError) -> WriteOperation.Answer {
        if let key { try self.store.checkLength(of: key) }
        do throws(StorageError) {
            let answer = try await self.store.write(operation)
            if let deadline = answer.deadline { self.sweeper.schedule(deadline) }
            return answer
        } catch {
            throw error.naming(error.key ?? key)
        }
    }
}
