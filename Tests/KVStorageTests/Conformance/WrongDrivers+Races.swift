import KVStorage

// Each does one thing in two steps, with a moment between them.

/// Reads, then removes what it read.
struct TakesInTwoSteps: ForwardingDriver {
    let base: any StorageDriver

    func takeItem(_ key: String) async throws(StorageError) -> [UInt8]? {
        guard let value = try await self.base.getItem(key) else { return nil }
        await Task.yield()
        _ = try await self.base.removeItem(key)
        return value
    }
}

/// Looks whether the item is there, then removes it.
struct RemovesInTwoSteps: ForwardingDriver {
    let base: any StorageDriver

    func removeItem(_ key: String) async throws(StorageError) -> Bool {
        let isThere = try await self.base.hasItem(key)
        await Task.yield()
        _ = try await self.base.removeItem(key)
        return isThere
    }
}

/// Looks whether there is an item, then stores one.
struct StoresIfAbsentInTwoSteps: ForwardingDriver {
    let base: any StorageDriver

    func compareAndSwapItem(
        _ key: String,
        expected: [UInt8]?,
        replacement: [UInt8]?,
        _ options: WriteOptions
    ) async throws(StorageError) -> CompareAndSwapResult {
        guard expected == nil, let replacement else {
            return try await self.base.compareAndSwapItem(key, expected: expected, replacement: replacement, options)
        }
        if let current = try await self.base.getItem(key) { return .mismatch(current: current) }
        await Task.yield()
        try await self.base.setItem(key, replacement, options)
        return .swapped
    }
}

/// Reads the number, then writes the sum.
struct IncrementsInTwoSteps: ForwardingDriver {
    let base: any StorageDriver

    func incrementItem(_ key: String, by amount: Int, _ options: WriteOptions) async throws(StorageError) -> Int {
        let (sum, bytes) = try StoredInteger.increment(try await self.base.getItem(key), by: amount, key: key)
        await Task.yield()
        try await self.base.setItem(key, bytes, options)
        return sum
    }
}

/// Looks which items of a batch of removals are there, then removes them.
struct RemovesBatchesInTwoSteps: ForwardingDriver {
    let base: any StorageDriver

    func apply(_ mutations: [Mutation]) async throws(StorageError) -> [Bool] {
        let isRemoval = mutations.allSatisfy { if case .remove = $0 { true } else { false } }
        guard isRemoval else { return try await self.base.apply(mutations) }
        let keys = mutations.map(\.key)
        let values = try await self.base.getItems(keys)
        await Task.yield()
        _ = try await self.base.apply(mutations)
        var seen: Set<KeyIdentity> = []
        return zip(keys, values).map { seen.insert(KeyIdentity($0)).inserted && $1 != nil }
    }
}

/// Counts what it is about to clear, then clears.
struct ClearsInTwoSteps: ForwardingDriver {
    let base: any StorageDriver

    func clear(_ base: String) async throws(StorageError) -> Int {
        let count = try await self.base.getKeys(KeyQuery(base: base, limit: 100_000)).keys.count
        await Task.yield()
        _ = try await self.base.clear(base)
        return count
    }
}

/// Writes batches item by item, and reads them so, though it says that they were atomic.
struct ReadsBatchesInParts: ForwardingDriver {
    let base: any StorageDriver

    func getItems(_ keys: [String]) async throws(StorageError) -> [[UInt8]?] {
        var values: [[UInt8]?] = []
        for key in keys {
            values.append(try await self.base.getItem(key))
            await Task.yield()
        }
        return values
    }

    func getEntries(_ keys: [String]) async throws(StorageError) -> [Entry?] {
        var entries: [Entry?] = []
        for key in keys {
            entries += try await self.base.getEntries([key])
            await Task.yield()
        }
        return entries
    }
}

/// Takes a cancelled task's write for done without doing it.
struct DropsCancelledWrites: ForwardingDriver {
    let base: any StorageDriver

    func setItem(_ key: String, _ value: [UInt8], _ options: WriteOptions) async throws(StorageError) {
        if Task.isCancelled { return }
        try await self.base.setItem(key, value, options)
    }
}

/// Takes a cancelled task's removal for done without doing it.
struct DropsCancelledRemovals: ForwardingDriver {
    let base: any StorageDriver

    func removeItem(_ key: String) async throws(StorageError) -> Bool {
        if Task.isCancelled { return true }
        return try await self.base.removeItem(key)
    }
}
