/// The items of one shard: a hash table for finding them, an ordered list for listing them, a queue for expiring them, and
/// the ring in which eviction goes round.
struct MemoryShard: ~Copyable {
    // Each item has a slot, which keeps its number as long as the item lives; the four below name items by it.
    private var items = MemoryItems()
    private var table = HashTable()
    private var ordered = OrderedKeys()
    private var deadlines = DeadlineQueue()
    private var sieve = SieveRing()
    private let usage: MemoryUsage
    private var isClosed = false

    init(usage: MemoryUsage) {
        self.usage = usage
    }

    /// The number of items, expired ones that were not swept yet included.
    var count: Int { self.items.count }

    /// The number of deadlines in the queue, those included that no longer hold.
    var deadlineCount: Int { self.deadlines.count }

    @inline(__always)
    func checkOpen() throws(StorageError) {
        if self.isClosed { throw Self.closed }
    }

    /// Returns the item, alive or not.
    @inline(__always)
    func item(_ key: String, _ hash: UInt64) -> MemoryItem? {
        withKeyBytes(key) { bytes in
            let slot = self.table.find(hash) { slot in self.items[slot]?.hasKey(bytes) ?? false }
            guard let slot else { return nil }
            return self.items[slot]
        }
    }

    /// Returns the item if it is alive, asking for the time only if it can expire.
    @inline(__always)
    func find(_ key: String, _ hash: UInt64, at now: @autoclosure () -> Timestamp) -> MemoryItem? {
        guard let item = self.item(key, hash) else { return nil }
        return item.deadline == MemoryItem.never || item.isAlive(at: now()) ? item : nil
    }

    /// Returns the item's bytes and notes that they were used.
    @inline(__always)
    func use(_ item: MemoryItem) -> [UInt8] {
        if self.usage.isCounting { item.wasUsed = true }
        return item.value
    }

    /// Stores the bytes and returns the item's deadline, if it has one.
    ///
    /// - Throws: ``StorageError/Code/tooLarge``; nothing is changed then.
    @inline(__always)
    mutating func set(
        _ key: String,
        _ hash: UInt64,
        _ value: [UInt8],
        _ options: WriteOptions,
        _ now: Timestamp
    ) throws(StorageError) -> Timestamp? {
        guard let item = self.item(key, hash) else {
            try self.usage.requireRoom(for: key, value: value.count, fields: 0)
            let deadline = options.deadline(at: now)
            self.insert(key, hash, value, deadline, now)
            return deadline
        }
        let isAlive = item.isAlive(at: now)
        if self.usage.isCounting {
            let fields = isAlive ? item.fields?.count ?? 0 : 0
            try self.usage.requireRoom(for: key, value: value.count, fields: fields)
        }
        let deadline = options.keepsDeadline && isAlive ? self.deadline(of: item) : options.deadline(at: now)
        if self.usage.isCounting { self.usage.add(items: 0, bytes: value.count - item.value.count) }
        item.value = value
        item.modified = now.milliseconds
        if !isAlive {
            // What expired is gone, whether it was swept or not: this is a new item.
            self.setFields(item, nil)
            item.created = now.milliseconds
        }
        self.setDeadline(item, deadline)
        return deadline
    }

    mutating func setDeadline(_ item: MemoryItem, _ deadline: Timestamp?) {
        let milliseconds = deadline?.milliseconds ?? MemoryItem.never
        let old = item.deadline
        guard milliseconds != old else { return }
        item.deadline = milliseconds
        if milliseconds != MemoryItem.never { self.deadlines.insert(milliseconds, item.slot) }
        if old != MemoryItem.never { self.forgetDeadline() }
    }

    func setFields(_ item: MemoryItem, _ fields: [UInt8]?) {
        self.usage.add(items: 0, bytes: (fields?.count ?? 0) - (item.fields?.count ?? 0))
        item.fields = fields
    }

    func meta(_ item: MemoryItem, _ now: Timestamp) -> ItemMeta {
        ItemMeta(
            mtime: Timestamp(milliseconds: item.modified),
            birthtime: Timestamp(milliseconds: item.created),
            deadline: self.deadline(of: item),
            asOf: now,
            size: item.value.count,
            fieldBytes: item.fields
        )
    }

    /// Returns what the mutation's item counts for once it is stored, with the metadata that it keeps.
    func size(after mutation: Mutation, _ hash: UInt64, _ now: Timestamp) throws(StorageError) -> Int {
        guard case .set(let key, let value, _, let change) = mutation else { return 0 }
        let fields =
            switch change {
            case .keep: self.find(key, hash, at: now)?.fields?.count ?? 0
            case .replace(let bytes): bytes?.count ?? 0
            }
        try self.usage.requireRoom(for: key, value: value.count, fields: fields)
        return MemoryItem.size(key: key.utf8.count, value: value.count, fields: fields)
    }

    /// What a mutation did.
    struct Change: Sendable {
        /// Whether the item was there before.
        var found: Bool
        /// The deadline that was written.
        var deadline: Timestamp?
    }

    /// Carries out the mutation.
    mutating func apply(_ mutation: Mutation, _ hash: UInt64, _ now: Timestamp) throws(StorageError) -> Change {
        let item = self.find(mutation.key, hash, at: now)
        switch mutation {
        case .set(let key, let value, let options, let fields):
            let found = item != nil
            let deadline = try self.set(key, hash, value, options, now)
            if case .replace(let bytes) = fields, let item = self.item(key, hash) { self.setFields(item, bytes) }
            return Change(found: found, deadline: deadline)
        case .remove:
            guard let item else { return Change(found: false) }
            self.remove(item)
            return Change(found: true)
        case .touch(_, let ttl):
            guard let item else { return Change(found: false) }
            if ttl.keepsDeadline { return Change(found: true) }
            let deadline = ttl.deadline(at: now)
            self.setDeadline(item, deadline)
            return Change(found: true, deadline: deadline)
        }
    }

    /// Removes the item, which must not be touched afterwards.
    mutating func remove(_ item: MemoryItem) {
        let slot = item.slot
        self.table.remove(slot, hash: keyHash(item.keyBytes))
        self.ordered.remove(item, self.items)
        if self.usage.isCounting { self.sieve.remove(slot) }
        let hadDeadline = item.deadline != MemoryItem.never
        self.usage.add(items: -1, bytes: -item.size)
        self.items.remove(item)
        if hadDeadline { self.forgetDeadline() }
    }

    /// Returns the first keys of the query in order, and whether there are no more.
    ///
    /// - Throws: ``StorageError/Code/corrupted`` if it does not get on, which would never end.
    func keys(_ query: KeyQuery, _ now: Timestamp) throws(StorageError) -> (keys: [String], reachedEnd: Bool) {
        var keys: [String] = []
        let end = keyUpperBound(ofBase: query.base)
        var position = self.ordered.firstPosition(after: query.cursor ?? query.base, self.items)
        while let slot = self.ordered.slot(at: position), let item = self.items[slot] {
            if let end, withKeyBytes(end, { compareBytes(item.keyBytes, $0) >= 0 }) { break }
            let key = item.key
            if let subtree = query.subtreeToSkip(at: key), let next = keyUpperBound(ofBase: subtree) {
                guard keyPrecedes(key, next) else {
                    throw StorageError(
                        .corrupted, "the listing does not get on; report this key to KVStorage", key: key)
                }
                position = self.ordered.firstPosition(notBefore: next, self.items)
                continue
            }
            if item.isAlive(at: now) {
                if keys.count == query.limit { return (keys, false) }
                keys.append(key)
            }
            position = self.ordered.position(after: position)
        }
        return (keys, true)
    }

    /// Removes items whose deadline has come; returns their keys and the earliest deadline that is left.
    mutating func removeExpired(by now: Timestamp, atMost limit: Int) -> (keys: [String], next: Timestamp?) {
        var keys: [String] = []
        while let (deadline, slot) = self.deadlines.first {
            // The item may have got another deadline since, or gone.
            let item = self.items[slot].flatMap { $0.deadline == deadline ? $0 : nil }
            if item != nil, deadline > now.milliseconds || keys.count == limit {
                return (keys, Timestamp(milliseconds: deadline))
            }
            self.deadlines.removeFirst()
            if let item {
                keys.append(item.key)
                self.remove(item)
            }
        }
        return (keys, nil)
    }

    /// Removes the item that was used least lately, as SIEVE approximates it; returns its key and whether its deadline
    /// had come before that.
    ///
    /// What `isSpared` holds for stays: `nil` if there is nothing else.
    mutating func evict(
        sparing isSpared: (MemoryItem) -> Bool,
        at now: @autoclosure () -> Timestamp
    ) -> (key: String, hadExpired: Bool)? {
        // Twice round: what was used is spared the first time only.
        var steps = 2 * self.items.count + 1
        while steps > 0, let slot = self.sieve.hand, let item = self.items[slot] {
            steps -= 1
            if isSpared(item) {
                self.sieve.advance()
            } else if item.wasUsed {
                item.wasUsed = false
                self.sieve.advance()
            } else {
                let key = item.key
                let hadExpired = item.deadline != MemoryItem.never && !item.isAlive(at: now())
                self.remove(item)
                return (key, hadExpired)
            }
        }
        return nil
    }

    /// Removes everything; later calls are refused.
    mutating func close() {
        let usage = self.usage
        self = MemoryShard(usage: usage)
        self.isClosed = true
    }

    private static var closed: StorageError {
        StorageError(.closed, "the memory store was disposed; create a new one")
    }

    private func deadline(of item: MemoryItem) -> Timestamp? {
        item.deadline == MemoryItem.never ? nil : Timestamp(milliseconds: item.deadline)
    }

    private mutating func insert(
        _ key: String,
        _ hash: UInt64,
        _ value: [UInt8],
        _ deadline: Timestamp?,
        _ now: Timestamp
    ) {
        let slot = withKeyBytes(key) { self.items.insert($0, value, now) }
        guard let item = self.items[slot] else { return }
        self.table.insert(slot, hash: hash)
        self.ordered.insert(item, self.items)
        if self.usage.isCounting { self.sieve.insert(slot) }
        self.usage.add(items: 1, bytes: item.size)
        self.setDeadline(item, deadline)
    }

    /// Notes that an item has another deadline now, or none; the old one is still in the queue.
    private mutating func forgetDeadline() {
        self.deadlines.forgetOne()
        guard self.deadlines.isMostlyStale else { return }
        self.deadlines.removeStale { self.items[$0.slot]?.deadline == $0.deadline }
    }
}
