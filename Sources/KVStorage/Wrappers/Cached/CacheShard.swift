/// A part of what a near cache keeps, and of what it knows about writes; reached under the part's lock alone.
///
/// Each key has a generation, which a write of it changes when it begins and again when it ends; keys whose hashes are
/// alike share one. What was read while the generation stayed the same, and no write was under way, is what the store
/// holds.
struct CacheShard {
    /// What is known of a key when it is looked up: whether it was written since, is told by comparing.
    struct Ticket: Sendable, Equatable {
        var generation: UInt64
        /// Whether no write of the key was under way.
        var isQuiet: Bool
    }

    /// Limits of one part.
    struct Limits: Sendable {
        var items: Int
        var bytes: Int
    }

    private struct Item {
        var key = ""
        var hash: UInt64 = 0
        var entry = Entry(value: [], meta: ItemMeta(asOf: Timestamp(milliseconds: 0)))
        /// From when to when the item is answered. The beginning is compared too, as a clock can be turned back.
        var start = Timestamp(milliseconds: 0)
        var end = Timestamp(milliseconds: 0)
        var size = 0
        var wasUsed = false
    }

    private struct Stripe {
        var generation: UInt64 = 0
        var writerCount = 0
    }

    /// What an item takes beside its bytes: its record, its places in the table and the ring, the heads of its arrays.
    static let overhead = 256

    private let limits: Limits
    private var table = HashTable()
    private var ring = SieveRing()
    private var items: ContiguousArray<Item> = []
    private var free: [Int] = []
    private var bytes = 0
    private var stripes = ContiguousArray(repeating: Stripe(), count: 256)
    /// Changes with every generation at once.
    private var epoch: UInt64 = 0
    private var clearerCount = 0
    private var isClosed = false

    init(limits: Limits) {
        self.limits = limits
    }

    /// How many items it holds, those included that are too old to be answered.
    var count: Int { self.items.count - self.free.count }

    /// Returns what `body` makes of the item, if there is one that may be answered.
    @inline(__always)
    mutating func read<Result>(
        _ key: String,
        _ hash: UInt64,
        at now: Timestamp,
        _ body: (Entry) -> Result
    ) -> Result? {
        guard let slot = self.slot(of: key, hash) else { return nil }
        guard self.items[slot].start <= now, now < self.items[slot].end else {
            self.remove(slot)
            return nil
        }
        self.items[slot].wasUsed = true
        return body(self.items[slot].entry)
    }

    func ticket(_ hash: UInt64) -> Ticket {
        let stripe = self.stripes[Self.stripe(of: hash)]
        // Both only grow, so the sum is the same only if both are.
        return Ticket(
            generation: stripe.generation &+ self.epoch,
            isQuiet: stripe.writerCount == 0 && self.clearerCount == 0
        )
    }

    /// Keeps what was read, unless the key was written since the ticket was given or the item is too large.
    mutating func fill(
        _ entry: Entry,
        _ key: String,
        _ hash: UInt64,
        ifStill ticket: Ticket,
        from start: Timestamp,
        until end: Timestamp
    ) {
        guard !self.isClosed, ticket.isQuiet, ticket == self.ticket(hash) else { return }
        if let slot = self.slot(of: key, hash) { self.remove(slot) }
        let size = Self.overhead + key.utf8.count + entry.value.count + (entry.meta.fieldBytes?.count ?? 0)
        guard self.makeRoom(for: size, at: start) else { return }
        let item = Item(key: key, hash: hash, entry: entry, start: start, end: end, size: size)
        let slot = self.free.popLast() ?? self.items.count
        if slot == self.items.count { self.items.append(item) } else { self.items[slot] = item }
        self.table.insert(slot, hash: hash)
        self.ring.insert(slot)
        self.bytes += size
    }
}

extension CacheShard {
    mutating func beginWrite(_ key: String, _ hash: UInt64) {
        self.stripes[Self.stripe(of: hash)].writerCount += 1
        self.invalidate(key, hash)
    }

    mutating func endWrite(_ hash: UInt64) {
        self.stripes[Self.stripe(of: hash)].writerCount -= 1
        self.stripes[Self.stripe(of: hash)].generation &+= 1
    }

    mutating func beginClear(_ base: String) {
        self.clearerCount += 1
        self.invalidateAll(below: base)
    }

    mutating func endClear() {
        self.clearerCount -= 1
        self.epoch &+= 1
    }

    /// Drops the item, and what was read of it and is not kept yet.
    mutating func invalidate(_ key: String, _ hash: UInt64) {
        self.stripes[Self.stripe(of: hash)].generation &+= 1
        if let slot = self.slot(of: key, hash) { self.remove(slot) }
    }

    mutating func invalidateAll(below base: String = "") {
        self.epoch &+= 1
        guard !base.isEmpty else {
            self.table = HashTable()
            self.ring = SieveRing()
            self.items = []
            self.free = []
            self.bytes = 0
            return
        }
        for slot in self.items.indices where self.items[slot].size > 0 {
            if keyHasPrefix(self.items[slot].key, base) { self.remove(slot) }
        }
    }

    mutating func close() {
        self.isClosed = true
        self.invalidateAll()
    }
}

extension CacheShard {
    /// The tables use the low bits of a hash, the cache's parts the high ones.
    private static func stripe(of hash: UInt64) -> Int { Int(truncatingIfNeeded: hash >> 32) & 255 }

    @inline(__always)
    private func slot(of key: String, _ hash: UInt64) -> Int? {
        self.table.find(hash) { keysEqual(self.items[$0].key, key) }
    }

    private mutating func remove(_ slot: Int) {
        self.table.remove(slot, hash: self.items[slot].hash)
        self.ring.remove(slot)
        self.bytes -= self.items[slot].size
        self.items[slot] = Item()
        self.free.append(slot)
    }

    /// Evicts until there is room; returns whether there is.
    private mutating func makeRoom(for size: Int, at now: Timestamp) -> Bool {
        guard size <= self.limits.bytes, self.limits.items > 0 else { return false }
        while self.bytes + size > self.limits.bytes || self.count >= self.limits.items {
            guard let slot = self.ring.hand else { return false }
            if self.items[slot].wasUsed, now < self.items[slot].end {
                self.items[slot].wasUsed = false
                self.ring.advance()
            } else {
                self.remove(slot)
            }
        }
        return true
    }
}
