import Synchronization

/// The shards of a memory store, and what concerns all of them.
final class MemoryStore: Sendable {
    let clock: any StorageClock
    let events = EventHub()
    // Safe to share: the pointer never changes, and each element keeps itself behind its lock until `deinit`.
    nonisolated(unsafe) private let shards: UnsafeMutableBufferPointer<Locked>
    let usage: MemoryUsage

    /// A shard and its lock, in place, so that reaching it counts no reference.
    private struct Locked: ~Copyable {
        let shard: Mutex<MemoryShard>
        // Keeps what cores write in different shards in different cache lines.
        private let padding: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0, 0, 0, 0)

        init(usage: MemoryUsage) {
            self.shard = Mutex(MemoryShard(usage: usage))
        }
    }

    private static let shardBits = 4

    init(_ configuration: MemoryDriver.Configuration) {
        self.clock = configuration.clock
        let usage = MemoryUsage(
            maximumItems: configuration.maximumItems,
            maximumBytes: configuration.maximumBytes
        )
        self.usage = usage
        self.shards = .allocate(capacity: 1 << Self.shardBits)
        for index in self.shards.indices { self.shards.initializeElement(at: index, to: Locked(usage: usage)) }
    }

    deinit {
        self.shards.deinitialize()
        self.shards.deallocate()
    }

    /// Calls the body with the shard that keeps the key, locked, and the key's hash.
    @inline(__always)
    func shard<Result: Sendable>(
        of key: String,
        _ body: (inout MemoryShard, UInt64) throws(StorageError) -> Result
    ) throws(StorageError) -> Result {
        let hash = keyHash(key)
        return try self.shards[Self.shardIndex(hash)].shard.withLock { shard throws(StorageError) in
            try body(&shard, hash)
        }
    }

    /// Calls the body with all shards that keep one of the keys, locked together.
    func shards<Result: Sendable>(
        of keys: [String],
        _ body: (inout LockedShards) throws(StorageError) -> Result
    ) throws(StorageError) -> Result {
        var indices: Set<Int> = []
        for key in keys { indices.insert(Self.shardIndex(keyHash(key))) }
        var locked = LockedShards(count: self.shards.count)
        // In the order of their numbers, so that two calls never wait for each other.
        return try self.lock(indices.sorted()[...], &locked, body)
    }

    private func lock<Result: Sendable>(
        _ indices: ArraySlice<Int>,
        _ locked: inout LockedShards,
        _ body: (inout LockedShards) throws(StorageError) -> Result
    ) throws(StorageError) -> Result {
        guard let index = indices.first else { return try body(&locked) }
        return try self.shards[index].shard.withLock { shard throws(StorageError) in
            try withUnsafeMutablePointer(to: &shard) { pointer throws(StorageError) in
                locked.insert(pointer, at: index)
                return try self.lock(indices.dropFirst(), &locked, body)
            }
        }
    }

    /// The tables use the low bits of a hash, the shards the high ones.
    fileprivate static func shardIndex(_ hash: UInt64) -> Int {
        Int(hash >> (64 - UInt64(Self.shardBits)))
    }

    /// Removes what expired by `now` and returns the earliest deadline that is left.
    func sweep(_ now: Timestamp) async -> Timestamp? {
        var next: Timestamp?
        for index in self.shards.indices {
            while true {
                // A bounded number at a time, so that nobody waits long for the lock, or for the thread.
                let (earliest, hasMore) = self.sweep(shard: index, now)
                self.events.flush()
                if hasMore {
                    await Task.yield()
                    continue
                }
                if let earliest { next = min(next ?? earliest, earliest) }
                break
            }
        }
        return next
    }

    private func sweep(shard index: Int, _ now: Timestamp) -> (earliest: Timestamp?, hasMore: Bool) {
        self.shards[index].shard.withLock { shard in
            // The clock may have been turned back since `now`: what was written after that has not expired.
            let time = min(now, self.clock.now)
            let (removed, earliest) = shard.removeExpired(by: time, atMost: 256)
            for key in removed { self.events.post(.remove(key, .expired)) }
            return (earliest, earliest.map { $0 <= time } ?? false)
        }
    }

    /// Evicts until the limits are kept, but not the item that was just written, unless the store may hold none.
    @inline(__always)
    func evictIfNeeded(sparing key: String) {
        guard self.usage.isCounting, self.usage.isExceeded else { return }
        let holdsNone = self.usage.maximumItems == 0
        self.evict(near: key) { item in !holdsNone && withKeyBytes(key, item.hasKey) }
    }

    /// Evicts until the limits are kept, but nothing of the batch that was just written, unless the store may hold none.
    func evictIfNeeded(sparing mutations: [Mutation]) {
        guard self.usage.isCounting, self.usage.isExceeded, let last = mutations.last else { return }
        let holdsNone = self.usage.maximumItems == 0
        let keys = Set(mutations.map { KeyIdentity($0.key) })
        self.evict(near: last.key) { item in !holdsNone && keys.contains(KeyIdentity(item.key)) }
    }

    private func evict(near key: String, sparing isSpared: (MemoryItem) -> Bool) {
        while self.usage.isExceeded {
            let first = self.fullerShard(shardIndex: Self.shardIndex(keyHash(key)), turn: self.usage.nextTurn())
            var hasEvicted = false
            for offset in 0..<self.shards.count where !hasEvicted {
                hasEvicted = self.shards[(first + offset) % self.shards.count].shard.withLock { shard in
                    guard let evicted = shard.evict(sparing: isSpared, at: self.clock.now) else { return false }
                    self.events.post(.remove(evicted.key, evicted.hadExpired ? .expired : .evicted))
                    return true
                }
            }
            self.events.flush()
            guard hasEvicted else { return }
        }
    }

    /// Returns the fuller of the shard that grew and the one whose turn it is.
    ///
    /// So all stay about equally full. If they just took turns, one that happens to get few new items would be left with
    /// none but those that are in use, and would lose these.
    private func fullerShard(shardIndex: Int, turn: Int) -> Int {
        let other = turn % self.shards.count
        let count = self.shards[shardIndex].shard.withLock { $0.count }
        return self.shards[other].shard.withLock { $0.count } > count ? other : shardIndex
    }

    func dispose() {
        for index in self.shards.indices { self.shards[index].shard.withLock { $0.close() } }
    }
}

extension MemoryStore {
    /// Several shards while they are locked.
    struct LockedShards {
        // Valid because `MemoryStore.lock` holds every lock, and with it the access to every shard, until the body returns.
        private var pointers: [UnsafeMutablePointer<MemoryShard>?]

        fileprivate init(count: Int) {
            self.pointers = Array(repeating: nil, count: count)
        }

        fileprivate mutating func insert(_ pointer: UnsafeMutablePointer<MemoryShard>, at index: Int) {
            self.pointers[index] = pointer
        }

        /// Calls the body with the shard that keeps the key, which is one of those that were locked, and the key's hash.
        func shard<Result>(
            of key: String,
            _ body: (inout MemoryShard, UInt64) throws(StorageError) -> Result
        ) throws(StorageError) -> Result? {
            let hash = keyHash(key)
            guard let pointer = self.pointers[MemoryStore.shardIndex(hash)] else { return nil }
            return try body(&pointer.pointee, hash)
        }
    }

    /// Returns one page of keys in the order of their UTF-8 bytes.
    ///
    /// Each shard gives its share of a page. Nothing is missing up to where the first of them stopped; what the others gave
    /// behind that is left for the next page.
    func getKeys(_ query: KeyQuery) throws(StorageError) -> KeyPage {
        let now = self.clock.now
        var share = query
        // A quarter more than an even share, as keys are not spread evenly.
        share.limit = min(query.limit, query.limit / self.shards.count * 5 / 4 + 4)
        var keys: [String] = []
        var end: String?
        for index in self.shards.indices {
            let (found, reachedEnd) = try self.shards[index].shard.withLock { shard throws(StorageError) in
                try shard.checkOpen()
                return try shard.keys(share, now)
            }
            keys += found
            guard !reachedEnd, let last = found.last else { continue }
            if end.map({ keyPrecedes(last, $0) }) ?? true { end = last }
        }
        // Finds the shards' runs and merges them.
        keys.sort(by: keyPrecedes)
        if let end {
            while let last = keys.last, keyPrecedes(end, last) { keys.removeLast() }
        }
        let isWhole = end == nil && keys.count <= query.limit
        keys.removeLast(max(0, keys.count - query.limit))
        return KeyPage(keys: keys, cursor: isWhole ? nil : keys.last)
    }
}

extension MemoryStore {
    /// How many items are held, expired ones that no sweep has removed yet included.
    var itemCount: Int {
        var count = 0
        for index in self.shards.indices { count += self.shards[index].shard.withLock { $0.count } }
        return count
    }
}
