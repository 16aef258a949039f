/// A driver whose every write is a ``WriteOperation`` in a queue of its engine's, which carries it out as one transaction.
///
/// The writing calls stand here once: such a driver implements ``write(_:_:)`` alone.
package protocol CommittingDriver: StorageDriver {
    /// What the engine is called in messages, as in `"SQLite"`.
    static var engine: String { get }

    /// Carries out the operation in a transaction; `key` is for the error, `nil` if it concerns several.
    func write(_ operation: WriteOperation, _ key: String?) async throws(StorageError) -> WriteOperation.Answer

    /// Throws ``StorageError/Code/invalidKey`` if the engine can't keep the key.
    func requireLength(of key: String) throws(StorageError)
}

extension CommittingDriver {
    /// Takes every key.
    package func requireLength(of key: String) throws(StorageError) {}

    /// Stores the bytes; they survive what ``Capabilities/durability`` says when the call returns.
    public func setItem(_ key: String, _ value: [UInt8], _ options: WriteOptions) async throws(StorageError) {
        try self.requireRoom(for: value, key)
        _ = try await self.write(.set(key: key, value: value, options: options), key)
    }

    /// Removes the item with its metadata.
    public func removeItem(_ key: String) async throws(StorageError) -> Bool {
        try self.requireLength(of: key)
        return try await self.write(.remove(key: key), key).found
    }

    /// Compares and replaces in one transaction.
    public func compareAndSwapItem(
        _ key: String,
        expected: [UInt8]?,
        replacement: [UInt8]?,
        _ options: WriteOptions
    ) async throws(StorageError) -> CompareAndSwapResult {
        try self.requireRoom(for: replacement ?? [], key)
        let answer = try await self.write(
            .compareAndSwap(key: key, expected: expected, replacement: replacement, options: options),
            key
        )
        return answer.found ? .swapped : .mismatch(current: answer.bytes)
    }

    /// Writes the other deadline.
    public func touchItem(_ key: String, ttl: TTL) async throws(StorageError) -> Bool {
        if ttl.keepsDeadline { return try await self.hasItem(key) }
        try self.requireLength(of: key)
        return try await self.write(.touch(key: key, ttl: ttl), key).found
    }

    /// Reads and removes in one transaction.
    public func takeItem(_ key: String) async throws(StorageError) -> [UInt8]? {
        try self.requireLength(of: key)
        return try await self.write(.take(key: key), key).bytes
    }

    /// Reads, adds and writes in one transaction.
    public func incrementItem(
        _ key: String,
        by amount: Int,
        _ options: WriteOptions
    ) async throws(StorageError) -> Int {
        try self.requireLength(of: key)
        return try await self.write(.increment(key: key, amount: amount, options: options), key).number
    }

    /// Keeps the metadata beside the value, in one transaction.
    public func setMeta(_ key: String, _ fields: [UInt8]?) async throws(StorageError) -> Bool {
        try self.requireRoom(for: fields ?? [], key)
        return try await self.write(.setMeta(key: key, fields: fields), key).found
    }

    /// Carries out all of the writes in one transaction, or none.
    public func apply(_ mutations: [Mutation]) async throws(StorageError) -> [Bool] {
        try self.requireRoom(for: mutations)
        return try await self.write(.apply(mutations), nil).each
    }

    /// Checks and writes in one transaction.
    public func commit(_ commit: Commit) async throws(StorageError) -> CommitOutcome {
        for check in commit.checks { try self.requireLength(of: check.key) }
        try self.requireRoom(for: commit.mutations)
        let answer = try await self.write(.commit(commit), nil)
        return answer.found
            ? .committed(found: answer.each) : .mismatch(index: answer.number, current: answer.bytes)
    }

    private func requireRoom(for bytes: [UInt8], _ key: String) throws(StorageError) {
        try self.requireLength(of: key)
        try self.capabilities.requireSize(of: bytes, key, Self.engine)
    }

    private func requireRoom(for mutations: [Mutation]) throws(StorageError) {
        for mutation in mutations {
            try self.requireLength(of: mutation.key)
            guard case .set(let key, let value, _, let fields) = mutation else { continue }
            try self.capabilities.requireSize(of: value, key, Self.engine)
            if case .replace(let bytes?) = fields { try self.capabilities.requireSize(of: bytes, key, Self.engine) }
        }
    }
}
