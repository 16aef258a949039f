import KVStorage

// Each does one thing in two steps, with a moment between them.

/// Reads, then removes what it read.
struct TakesInTwoSteps: StorageDriverWrapper {
    let wrapped: any StorageDriver

    func takeItem(_ key: String) async throws(StorageError) -> [UInt8]? {
        guard let value = try await self.wrapped.getItem(key) else { return nil }
        await Task.yield()
        _ = try await self.wrapped.removeItem(key)
        return value
    }
}

/// Looks whether the item is there, then removes it.
struct RemovesInTwoSteps: StorageDriverWrapper {
    let wrapped: any StorageDriver

    func removeItem(_ key: String) async throws(StorageError) -> Bool {
        let isThere = try await self.wrapped.hasItem(key)
        await Task.yield()
        _ = try await self.wrapped.removeItem(key)
        return isThere
    }
}

/// Looks whether there is an item, then stores one.
struct StoresIfAbsentInTwoSteps: StorageDriverWrapper {
    let wrapped: any StorageDriver

    func compareAndSwapItem(
        _ key: String,
        expected: [UInt8]?,
        replacement: [UInt8]?,
        _ options: WriteOptions
    ) async throws(StorageError) -> CompareAndSwapResult {
        guard expected == nil, let replacement else {
            return try await self.wrapped.compareAndSwapItem(key, expected: expected, replacement: replacement, options)
        }
        if let current = try await self.wrapped.getItem(key) { return .mismatch(current: current) }
        await Task.yield()
        try await self.wrapped.setItem(key, replacement, options)
        return .swapped
    }
}

/// Reads the number, then writes the sum.
struct IncrementsInTwoSteps: StorageDriverWrapper {
    let wrapped: any StorageDriver

    func incrementItem(_ key: String, by amount: Int, _ options: WriteOptions) async throws(StorageError) -> Int {
        let (sum, bytes) = try StoredInteger.increment(try await self.wrapped.getItem(key), by: amount, key: key)
        await Task.yield()
        try await self.wrapped.setItem(key, bytes, options)
        return sum
    }
}

/// Looks which items of a batch of removals are there, then removes them.
struct RemovesBatchesInTwoSteps: StorageDriverWrapper {
    let wrapped: any StorageDriver

    func apply(_ mutations: [Mutation]) async throws(StorageError) -> Int {
        let isRemoval = mutations.allSatisfy { if case .remove = $0 { true } else { false } }
        guard isRemoval else { return try await self.wrapped.apply(mutations) }
        let keys = Set(mutations.map { Array($0.key.utf8) }).map { String(decoding: $0, as: UTF8.self) }
        let count = try await self.wrapped.getItems(keys).count { $0 != nil }
        await Task.yield()
        _ = try await self.wrapped.apply(mutations)
        return count
    }
}

/// Counts what it is about to clear, then clears.
struct ClearsInTwoSteps: StorageDriverWrapper {
    let wrapped: any StorageDriver

    func clear(_ base: String) async throws(StorageError) -> Int {
        let count = try await self.wrapped.getKeys(KeyQuery(base: base, limit: 100_000)).keys.count
        await Task.yield()
        _ = try await self.wrapped.clear(base)
        return count
    }
}

/// Writes batches item by item, and reads them so, though it says that they were atomic.
struct ReadsBatchesInParts: StorageDriverWrapper {
    let wrapped: any StorageDriver

    func getItems(_ keys: [String]) async throws(StorageError) -> [[UInt8]?] {
        var values: [[UInt8]?] = []
        for key in keys {
            values.append(try await self.wrapped.getItem(key))
            await Task.yield()
        }
        return values
    }
}

/// Takes a cancelled task's write for done without doing it.
struct DropsCancelledWrites: StorageDriverWrapper {
    let wrapped: any StorageDriver

    func setItem(_ key: String, _ value: [UInt8], _ options: WriteOptions) async throws(StorageError) {
        if Task.isCancelled { return }
        try await self.wrapped.setItem(key, value, options)
    }
}

/// Takes a cancelled task's removal for done without doing it.
struct DropsCancelledRemovals: StorageDriverWrapper {
    let wrapped: any StorageDriver

    func removeItem(_ key: String) async throws(StorageError) -> Bool {
        if Task.isCancelled { return true }
        return try await self.wrapped.removeItem(key)
    }
}
