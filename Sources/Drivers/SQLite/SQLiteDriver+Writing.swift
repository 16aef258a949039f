import Dispatch
public import KVStorage

extension SQLiteDriver {
    /// Stores the bytes; they are on the medium as the configuration's synchronous level says when the call returns.
    public func setItem(_ key: String, _ value: [UInt8], _ options: WriteOptions) async throws(StorageError) {
        try self.capabilities.requireSize(of: value, key, "SQLite")
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
        if let replacement { try self.capabilities.requireSize(of: replacement, key, "SQLite") }
        let answer = try await self.write(
            .compareAndSwap(key: key, expected: expected, replacement: replacement, options: options),
            key
        )
        return answer.found ? .swapped : .mismatch(current: answer.bytes)
    }

    /// Writes the deadline alone.
    public func touchItem(_ key: String, ttl: Duration?) async throws(StorageError) -> Bool {
        try await self.write(.touch(key: key, ttl: ttl), key).found
    }

    /// Removes the item with `DELETE … RETURNING`.
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

    /// Keeps the metadata in the item's row.
    public func setMeta(_ key: String, _ fields: [UInt8]?) async throws(StorageError) -> Bool {
        try await self.write(.setMeta(key: key, fields: fields), key).found
    }

    /// Carries out all of the writes or none.
    public func apply(_ mutations: [Mutation]) async throws(StorageError) -> Int {
        for case .set(let key, let value, _) in mutations {
            try self.capabilities.requireSize(of: value, key, "SQLite")
        }
        return try await self.write(.apply(mutations), nil).number
    }

    /// Removes the range of keys in one transaction; rows that ``getKeys(_:)`` skips stay.
    ///
    /// The log takes about as many bytes as are removed. On a disk without room for that, the range is removed in several
    /// transactions, from its beginning on.
    ///
    /// - Throws: `StorageError.Code.partlyDone` if one of several transactions failed after others were committed.
    public func clear(_ base: String) async throws(StorageError) -> Int {
        try await self.write(.clear(base: base), nil).number
    }

    private func write(
        _ operation: WriteOperation,
        _ key: String?
    ) async throws(StorageError) -> WriteOperation.Answer {
        guard let queue = self.queue else {
            try self.readers.requireOpen()
            throw StorageError(.readOnly, "the driver was opened with readOnly and writes nothing", key: key)
        }
        do throws(StorageError) {
            let answer = try await queue.submit(operation)
            if let deadline = answer.deadline { self.sweeper.schedule(deadline) }
            return answer
        } catch {
            throw error.naming(error.key ?? key)
        }
    }
}

extension SQLiteDriver {
    /// Creates the queue: with flushes on the driver's thread, without them on the caller's.
    static func queue(
        _ writer: Writer,
        on thread: DispatchQueue,
        flushes: Bool
    ) -> GroupCommitQueue<WriteOperation, WriteOperation.Answer> {
        if flushes { return GroupCommitQueue(on: thread) { writer.commit($0) } }
        return GroupCommitQueue(inPlace: { operations in
            if let outcomes = writer.commitUnlessBlocking(operations) { return outcomes }
            // What blocks, a checkpoint or another process, holds no thread of the cooperative pool.
            return await withCheckedContinuation { continuation in
                thread.async { continuation.resume(returning: writer.commit(operations)) }
            }
        })
    }
}
