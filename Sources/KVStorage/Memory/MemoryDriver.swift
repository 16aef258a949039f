/// Items in this process's memory; gone when it ends. The default driver.
///
/// Items are spread over shards, each a hash table with an ordered list of its keys behind a lock of its own: reading or
/// writing one item costs one hash and one short critical section. Listing walks only what is below the base. With limits
/// (see ``Configuration``) the driver evicts what was not used lately.
public final class MemoryDriver: StorageDriver {
    /// `memory`.
    public let name = "memory"
    /// Atomic batches, ordered keys, custom metadata, own events; nothing durable; evicts if it has a limit.
    public let capabilities: Capabilities
    /// Tells of writes, expiry and eviction.
    public var events: EventHub? { self.store.events }

    private static let features: Capabilities.Feature = [
        .atomicCommit, .wholeReads, .orderedKeys, .customMetadata,
    ]

    let store: MemoryStore
    let sweeper: ExpirySweeper

    /// Creates an empty store.
    public init(_ configuration: Configuration = Configuration()) {
        let store = MemoryStore(configuration)
        self.store = store
        self.sweeper = ExpirySweeper(clock: configuration.clock) { [weak store] now in await store?.sweep(now) }
        self.capabilities = Capabilities(
            configuration.isLimited ? [Self.features, .evicts] : Self.features,
            watching: .local,
            maximumValueBytes: configuration.maximumBytes.map { max(0, $0 - MemoryItem.overhead) }
        )
    }

    /// Returns the item's bytes.
    public func getItem(_ key: String) async throws(StorageError) -> [UInt8]? {
        try self.store.shard(of: key) { shard, hash throws(StorageError) in
            try shard.checkOpen()
            return shard.find(key, hash, at: self.store.clock.now).map { shard.use($0) }
        }
    }

    /// Returns whether the item is there; does not count as a use.
    public func hasItem(_ key: String) async throws(StorageError) -> Bool {
        try self.store.shard(of: key) { shard, hash throws(StorageError) in
            try shard.checkOpen()
            return shard.find(key, hash, at: self.store.clock.now) != nil
        }
    }

    /// Stores the bytes.
    public func setItem(_ key: String, _ value: [UInt8], _ options: WriteOptions) async throws(StorageError) {
        let now = self.store.clock.now
        let deadline = try self.store.shard(of: key) { shard, hash throws(StorageError) in
            try shard.checkOpen()
            let deadline = try shard.set(key, hash, value, options, now)
            self.store.events.post(.update(key))
            return deadline
        }
        self.finish(key, deadline: deadline)
    }

    /// Removes the item.
    public func removeItem(_ key: String) async throws(StorageError) -> Bool {
        defer { self.store.events.flush() }
        return try self.store.shard(of: key) { shard, hash throws(StorageError) in
            try shard.checkOpen()
            guard let item = shard.find(key, hash, at: self.store.clock.now) else { return false }
            shard.remove(item)
            self.store.events.post(.remove(key, .removed))
            return true
        }
    }

    /// Replaces the item if its bytes are as expected.
    public func compareAndSwapItem(
        _ key: String,
        expected: [UInt8]?,
        replacement: [UInt8]?,
        _ options: WriteOptions
    ) async throws(StorageError) -> CompareAndSwapResult {
        let now = self.store.clock.now
        let (result, deadline) = try self.store.shard(of: key) {
            shard, hash throws(StorageError) -> (CompareAndSwapResult, Timestamp?) in
            try shard.checkOpen()
            let item = shard.find(key, hash, at: now)
            let current = item.map { shard.use($0) }
            guard current == expected else { return (.mismatch(current: current), nil) }
            if let replacement {
                let deadline = try shard.set(key, hash, replacement, options, now)
                self.store.events.post(.update(key))
                return (.swapped, deadline)
            }
            if let item {
                shard.remove(item)
                self.store.events.post(.remove(key, .removed))
            }
            return (.swapped, nil)
        }
        self.store.events.flush()
        if result == .swapped, replacement != nil { self.finish(key, deadline: deadline) }
        return result
    }

    /// Gives the item a new lifetime.
    public func touchItem(_ key: String, ttl: TTL) async throws(StorageError) -> Bool {
        if ttl.keepsDeadline { return try await self.hasItem(key) }
        let now = self.store.clock.now
        let deadline = ttl.deadline(at: now)
        let touched = try self.store.shard(of: key) { shard, hash throws(StorageError) in
            try shard.checkOpen()
            guard let item = shard.find(key, hash, at: now) else { return false }
            shard.setDeadline(item, deadline)
            self.store.events.post(.update(key))
            return true
        }
        self.store.events.flush()
        if touched, let deadline { self.sweeper.schedule(deadline) }
        return touched
    }

    /// Returns size, times and custom metadata.
    public func getMeta(_ key: String) async throws(StorageError) -> ItemMeta? {
        let now = self.store.clock.now
        return try self.store.shard(of: key) { shard, hash throws(StorageError) in
            try shard.checkOpen()
            return shard.find(key, hash, at: now).map { shard.meta($0, now) }
        }
    }

    /// Keeps custom metadata.
    public func setMeta(_ key: String, _ fields: [UInt8]?) async throws(StorageError) -> Bool {
        let found = try self.store.shard(of: key) { shard, hash throws(StorageError) in
            try shard.checkOpen()
            guard let item = shard.find(key, hash, at: self.store.clock.now) else { return false }
            try self.store.usage.requireRoom(for: key, value: item.value.count, fields: fields?.count ?? 0)
            shard.setFields(item, fields)
            self.store.events.post(.update(key))
            return true
        }
        if found { self.finish(key, deadline: nil) }
        return found
    }

    /// Reads the items and their metadata as they are at one moment.
    public func getEntries(_ keys: [String]) async throws(StorageError) -> [Entry?] {
        let now = self.store.clock.now
        return try self.store.shards(of: keys) { locked throws(StorageError) in
            var entries: [Entry?] = []
            entries.reserveCapacity(keys.count)
            for key in keys {
                let entry = try locked.shard(of: key) { shard, hash throws(StorageError) -> Entry? in
                    try shard.checkOpen()
                    return shard.find(key, hash, at: now).map { Entry(value: shard.use($0), meta: shard.meta($0, now)) }
                }
                entries.append(entry ?? nil)
            }
            return entries
        }
    }

    /// Reads the items as they are at one moment.
    public func getItems(_ keys: [String]) async throws(StorageError) -> [[UInt8]?] {
        try self.store.shards(of: keys) { locked throws(StorageError) in
            var values: [[UInt8]?] = []
            values.reserveCapacity(keys.count)
            for key in keys {
                let value = try locked.shard(of: key) { shard, hash throws(StorageError) in
                    try shard.checkOpen()
                    return shard.find(key, hash, at: self.store.clock.now).map { shard.use($0) }
                }
                values.append(value ?? nil)
            }
            return values
        }
    }

    /// Returns one page of keys in the order of their UTF-8 bytes.
    public func getKeys(_ query: KeyQuery) async throws(StorageError) -> KeyPage {
        try self.store.getKeys(query)
    }

    /// Removes everything and gives the memory back.
    public func dispose() async throws(StorageError) {
        self.sweeper.stop()
        self.store.dispose()
    }

    // Events are posted while the shard is locked, else those of two writers of one key could change places, and emitted
    // when it no longer is.

    /// What follows every write: the deadline is watched, limits are kept.
    private func finish(_ key: String, deadline: Timestamp?) {
        self.store.events.flush()
        if let deadline { self.sweeper.schedule(deadline) }
        self.store.evictIfNeeded(sparing: key)
    }
}
