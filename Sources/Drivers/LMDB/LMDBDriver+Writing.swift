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

    /// Removes the range of keys in one transaction.
    public func clear(_ base: String) async throws(StorageError) -> Int {
        try await self.write(.clear(base: base), nil).number
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
