/// The items of one shard: a hash table for finding them, an ordered list for listing them, a queue for expiring them, and
/// the ring in which eviction goes round.
struct MemoryShard {
    /// One item, in a slot that keeps its number as long as the item lives.
    struct Entry {
        var key: String
        var value: [UInt8]
        var fields: [UInt8]?
        /// Milliseconds of the Unix epoch; ``never`` if the item lives for ever.
        var deadline: Int64
        var created: Int64
        var modified: Int64
        var hash: UInt64
        /// Whether the item was read since eviction passed it.
        var wasUsed: Bool
        /// Whether the slot holds an item.
        var isOccupied: Bool

        static let never = Int64.max
        static let free = Entry(
            key: "", value: [], fields: nil, deadline: never, created: 0, modified: 0, hash: 0,
            wasUsed: false, isOccupied: false
        )
    }

    private(set) var entries: ContiguousArray<Entry> = []
    private var freeSlots: [Int] = []
    private var table = HashTable()
    private var ordered = OrderedKeys()
    private var deadlines = DeadlineQueue()
    private var sieve = SieveRing()
    private let usage: MemoryUsage
    private var isClosed = false

    init(usage: MemoryUsage) {
        self.usage = usage
    }

    func checkOpen() throws(StorageError) {
        if self.isClosed { throw StorageError(.closed, "the memory store was disposed; create a new one") }
    }

    /// Returns the slot of a living item, asking the clock only for one that can expire.
    @inline(__always)
    func find(_ key: String, _ hash: UInt64, _ clock: any StorageClock) -> Int? {
        guard let slot = self.slot(key, hash) else { return nil }
        let deadline = self.entries[slot].deadline
        return deadline == Entry.never || deadline > clock.now.milliseconds ? slot : nil
    }

    /// Returns the slot of an item that lives at `now`.
    func find(_ key: String, _ hash: UInt64, _ now: Timestamp) -> Int? {
        guard let slot = self.slot(key, hash) else { return nil }
        return self.isAlive(slot, now) ? slot : nil
    }

    /// Returns the item's bytes and notes that they were used.
    @inline(__always)
    mutating func use(_ slot: Int) -> [UInt8] {
        if self.usage.isCounting { self.entries[slot].wasUsed = true }
        return self.entries[slot].value
    }

    /// Stores the bytes and returns the item's deadline, if it has one.
    mutating func set(
        _ key: String,
        _ hash: UInt64,
        _ value: [UInt8],
        _ options: WriteOptions,
        _ now: Timestamp
    ) -> Timestamp? {
        if let slot = self.slot(key, hash) {
            let isAlive = self.isAlive(slot, now)
            let deadline =
                options.keepTTL && isAlive ? self.deadline(slot) : options.deadline(at: now)
            self.usage.add(items: 0, bytes: value.count - self.entries[slot].value.count)
            self.entries[slot].value = value
            self.entries[slot].modified = now.milliseconds
            if !isAlive {
                // What expired is gone, whether it was swept or not: this is a new item.
                self.usage.add(items: 0, bytes: -(self.entries[slot].fields?.count ?? 0))
                self.entries[slot].fields = nil
                self.entries[slot].created = now.milliseconds
            }
            self.setDeadline(slot, deadline)
            return deadline
        }
        let deadline = options.deadline(at: now)
        self.insert(key, hash, value, deadline, now)
        return deadline
    }

    mutating func setDeadline(_ slot: Int, _ deadline: Timestamp?) {
        let milliseconds = deadline?.milliseconds ?? Entry.never
        let old = self.entries[slot].deadline
        guard milliseconds != old else { return }
        self.entries[slot].deadline = milliseconds
        if old != Entry.never { self.deadlines.forgetOne() }
        if milliseconds != Entry.never {
            self.deadlines.insert(milliseconds, slot)
            if self.deadlines.isMostlyStale { self.rebuildDeadlines() }
        }
    }

    mutating func setFields(_ slot: Int, _ fields: [UInt8]?) {
        self.usage.add(items: 0, bytes: (fields?.count ?? 0) - (self.entries[slot].fields?.count ?? 0))
        self.entries[slot].fields = fields
    }

    func meta(_ slot: Int, _ now: Timestamp) -> ItemMeta {
        let entry = self.entries[slot]
        return ItemMeta(
            mtime: Timestamp(milliseconds: entry.modified),
            birthtime: Timestamp(milliseconds: entry.created),
            ttl: self.deadline(slot).map { now.duration(to: $0) },
            size: entry.value.count,
            fieldBytes: entry.fields
        )
    }

    mutating func apply(_ mutation: Mutation, _ hash: UInt64, _ now: Timestamp) -> MemoryDriver.BatchOutcome {
        switch mutation {
        case .set(let key, let value, let options):
            return .set(deadline: self.set(key, hash, value, options, now))
        case .remove(let key):
            guard let slot = self.find(key, hash, now) else { return .nothing }
            self.remove(slot)
            return .removed
        }
    }

    mutating func remove(_ slot: Int) {
        let entry = self.entries[slot]
        self.table.remove(slot, hash: entry.hash)
        self.ordered.remove(slot, self.entries)
        if self.usage.isCounting { self.sieve.remove(slot) }
        if entry.deadline != Entry.never { self.deadlines.forgetOne() }
        let bytes = entry.key.utf8.count + entry.value.count + (entry.fields?.count ?? 0)
        self.usage.add(items: -1, bytes: -bytes)
        self.entries[slot] = .free
        self.freeSlots.append(slot)
    }

    /// Returns the first keys of the query in order, and whether there are no more.
    func keys(_ query: KeyQuery, _ now: Timestamp) -> (keys: [String], reachedEnd: Bool) {
        var keys: [String] = []
        let end = keyUpperBound(ofBase: query.base)
        var position = self.ordered.firstPosition(after: query.cursor ?? query.base, self.entries)
        while let slot = self.ordered.slot(at: position) {
            let key = self.entries[slot].key
            if let end, !keyPrecedes(key, end) { break }
            if let subtree = query.subtreeToSkip(at: key), let next = keyUpperBound(ofBase: subtree) {
                position = self.ordered.firstPosition(notBefore: next, self.entries)
                continue
            }
            if self.isAlive(slot, now) {
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
            let isCurrent = self.entries[slot].isOccupied && self.entries[slot].deadline == deadline
            if isCurrent, deadline > now.milliseconds || keys.count == limit {
                return (keys, Timestamp(milliseconds: deadline))
            }
            self.deadlines.removeFirst()
            if isCurrent {
                keys.append(self.entries[slot].key)
                self.remove(slot)
            }
        }
        return (keys, nil)
    }

    /// Removes the item that was used least lately, as SIEVE approximates it, and returns its key.
    ///
    /// The item that was just written is spared: `nil` if there is no other.
    mutating func evict(sparing spared: String) -> String? {
        var metSpared = false
        while let slot = self.sieve.hand {
            let key = self.entries[slot].key
            if keysEqual(key, spared) {
                // Twice: there is nothing else left.
                if metSpared, self.sieve.isAlone(slot) { return nil }
                metSpared = true
            } else if self.entries[slot].wasUsed {
                self.entries[slot].wasUsed = false
            } else {
                self.remove(slot)
                return key
            }
            self.sieve.advance()
        }
        return nil
    }

    /// Removes the item, alive or not, if there is one.
    mutating func forget(_ key: String, _ hash: UInt64) {
        if let slot = self.slot(key, hash) { self.remove(slot) }
    }

    mutating func removeAll() {
        for slot in self.entries.indices where self.entries[slot].isOccupied { self.remove(slot) }
    }

    /// Removes everything; later calls are refused.
    mutating func close() {
        let usage = self.usage
        self = MemoryShard(usage: usage)
        self.isClosed = true
    }

    // MARK: - Slots

    @inline(__always)
    private func slot(_ key: String, _ hash: UInt64) -> Int? {
        self.table.find(hash) { slot in
            self.entries[slot].hash == hash && keysEqual(self.entries[slot].key, key)
        }
    }

    private func isAlive(_ slot: Int, _ now: Timestamp) -> Bool {
        self.entries[slot].deadline > now.milliseconds
    }

    private func deadline(_ slot: Int) -> Timestamp? {
        let deadline = self.entries[slot].deadline
        return deadline == Entry.never ? nil : Timestamp(milliseconds: deadline)
    }

    private mutating func insert(
        _ key: String,
        _ hash: UInt64,
        _ value: [UInt8],
        _ deadline: Timestamp?,
        _ now: Timestamp
    ) {
        let entry = Entry(
            key: key, value: value, fields: nil, deadline: Entry.never, created: now.milliseconds,
            modified: now.milliseconds, hash: hash, wasUsed: false, isOccupied: true
        )
        let slot: Int
        if let free = self.freeSlots.popLast() {
            slot = free
            self.entries[slot] = entry
        } else {
            slot = self.entries.count
            self.entries.append(entry)
        }
        self.table.insert(slot, hash: hash)
        self.ordered.insert(slot, self.entries)
        if self.usage.isCounting { self.sieve.insert(slot) }
        self.usage.add(items: 1, bytes: key.utf8.count + value.count)
        self.setDeadline(slot, deadline)
    }

    private mutating func rebuildDeadlines() {
        self.deadlines = DeadlineQueue()
        for slot in self.entries.indices where self.entries[slot].deadline != Entry.never {
            self.deadlines.insert(self.entries[slot].deadline, slot)
        }
    }
}
