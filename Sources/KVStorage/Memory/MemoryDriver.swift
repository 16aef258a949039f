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

    let store: MemoryStore
    private let sweeper: ExpirySweeper

    /// Creates an empty store.
    public init(_ configuration: Configuration = Configuration()) {
        let store = MemoryStore(configuration)
        self.store = store
        self.sweeper = ExpirySweeper(clock: configuration.clock) { [weak store] now in store?.sweep(now) }
        self.capabilities = Capabilities(
            atomicBatch: true,
            orderedKeys: true,
            customMetadata: true,
            evicts: configuration.isLimited,
            watching: .local,
            maximumValueBytes: configuration.maximumBytes
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
        try self.store.checkSize(key, value)
        let deadline = try self.store.shard(of: key) { shard, hash throws(StorageError) in
            try shard.checkOpen()
            return shard.set(key, hash, value, options, now)
        }
        self.finish(.update(key), deadline: deadline, grew: true)
    }

    /// Removes the item.
    public func removeItem(_ key: String) async throws(StorageError) -> Bool {
        let removed = try self.store.shard(of: key) { shard, hash throws(StorageError) in
            try shard.checkOpen()
            guard let item = shard.find(key, hash, at: self.store.clock.now) else { return false }
            shard.remove(item)
            return true
        }
        if removed { self.store.events.emit(.remove(key)) }
        return removed
    }

    /// Replaces the item if its bytes are as expected.
    public func compareAndSwapItem(
        _ key: String,
        expected: [UInt8]?,
        replacement: [UInt8]?,
        _ options: WriteOptions
    ) async throws(StorageError) -> CompareAndSwapResult {
        let now = self.store.clock.now
        if let replacement { try self.store.checkSize(key, replacement) }
        let (result, deadline) = try self.store.shard(of: key) {
            shard, hash throws(StorageError) -> (CompareAndSwapResult, Timestamp?) in
            try shard.checkOpen()
            let item = shard.find(key, hash, at: now)
            let current = item.map { shard.use($0) }
            guard current == expected else { return (.mismatch(current: current), nil) }
            if let replacement { return (.swapped, shard.set(key, hash, replacement, options, now)) }
            if let item { shard.remove(item) }
            return (.swapped, nil)
        }
        guard result == .swapped else { return result }
        if replacement != nil {
            self.finish(.update(key), deadline: deadline, grew: true)
        } else if expected != nil {
            self.store.events.emit(.remove(key))
        }
        return result
    }

    /// Gives the item a new life time.
    public func touchItem(_ key: String, ttl: Duration?) async throws(StorageError) -> Bool {
        let now = self.store.clock.now
        let deadline = ttl.map { now.advanced(by: $0) }
        let touched = try self.store.shard(of: key) { shard, hash throws(StorageError) in
            try shard.checkOpen()
            guard let item = shard.find(key, hash, at: now) else { return false }
            shard.setDeadline(item, deadline)
            return true
        }
        if touched { self.finish(.update(key), deadline: deadline, grew: false) }
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
            try self.store.checkSize(key, item.value, fields ?? [])
            shard.setFields(item, fields)
            return true
        }
        if found { self.finish(.update(key), deadline: nil, grew: true) }
        return found
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

    /// Carries out the writes while all shards concerned are locked, so that nobody sees a part of them.
    public func apply(_ mutations: [Mutation]) async throws(StorageError) -> Int {
        let now = self.store.clock.now
        for case .set(let key, let value, _) in mutations { try self.store.checkSize(key, value) }
        let outcomes = try self.store.shards(of: mutations.map(\.key)) { locked throws(StorageError) in
            var outcomes: [BatchOutcome] = []
            outcomes.reserveCapacity(mutations.count)
            for mutation in mutations {
                let outcome = try locked.shard(of: mutation.key) { shard, hash throws(StorageError) -> BatchOutcome in
                    try shard.checkOpen()
                    return shard.apply(mutation, hash, now)
                }
                outcomes.append(outcome ?? .nothing)
            }
            return outcomes
        }
        var removed = 0
        for (mutation, outcome) in zip(mutations, outcomes) {
            switch outcome {
            case .set(let deadline):
                self.finish(.update(mutation.key), deadline: deadline, grew: false)
            case .removed:
                removed += 1
                self.finish(.remove(mutation.key), deadline: nil, grew: false)
            case .nothing:
                break
            }
        }
        if let last = mutations.last { self.store.evictIfNeeded(sparing: last.key) }
        return removed
    }

    enum BatchOutcome: Sendable {
        case set(deadline: Timestamp?)
        case removed
        case nothing
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

    /// What follows every write: the deadline is watched, limits are kept, the event is told.
    private func finish(_ event: StorageEvent, deadline: Timestamp?, grew: Bool) {
        if let deadline { self.sweeper.schedule(deadline) }
        self.store.events.emit(event)
        if grew, let key = event.key { self.store.evictIfNeeded(sparing: key) }
    }
}
