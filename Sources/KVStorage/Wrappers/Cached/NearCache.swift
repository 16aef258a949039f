import Synchronization

/// What a near cache keeps, and what keeps it current; a driver's views with a time limit share it.
final class NearCache: Sendable {
    let clock: any StorageClock
    let maximumAge: Duration
    /// Emits what the cached driver does, once the cache no longer answers the old item.
    let events: EventHub?
    let watch: CacheWatch

    /// A part and its lock.
    private final class Part: Sendable {
        let shard: Mutex<CacheShard>

        init(limits: CacheShard.Limits) {
            self.shard = Mutex(CacheShard(limits: limits))
        }
    }

    private let parts: [Part]
    private let source: EventHub?
    private let observer: Mutex<Int?>

    /// So large is a part at least, so that an item of a few mebibytes finds room in one.
    private static let bytesOfPart = 4 << 20
    private static let itemsOfPart = 1024

    init(
        of driver: any StorageDriver,
        maximumBytes: Int,
        maximumItems: Int?,
        maximumAge: Duration,
        clock: any StorageClock
    ) {
        self.clock = clock
        self.maximumAge = maximumAge
        let byItems = maximumItems.map { $0 / Self.itemsOfPart } ?? .max
        let wanted = max(1, min(16, maximumBytes / Self.bytesOfPart, byItems))
        // A power of two, as the part is told by bits of the hash.
        let count = 1 << (Int.bitWidth - 1 - wanted.leadingZeroBitCount)
        let limits = CacheShard.Limits(
            items: maximumItems.map { max(0, $0) / count } ?? .max,
            bytes: max(0, maximumBytes) / count
        )
        self.parts = (0..<count).map { _ in Part(limits: limits) }
        self.watch = CacheWatch(driver.capabilities.watching, clock: clock)
        self.source = driver.events
        self.events = driver.events.map { _ in EventHub() }
        self.observer = Mutex(nil)
        self.observe()
    }

    deinit {
        if let observer = self.observer.withLock({ $0 }) { self.source?.removeObserver(observer) }
    }

    private func observe() {
        let id = self.source?.addObserver { [weak self] event in
            guard let self else { return }
            // Under the lock of one part and no other: whoever emits may hold a lock of its own.
            if let key = event.key { self.invalidate(key) } else { self.invalidateAll() }
            self.events?.emit(event)
        } onEnd: { [weak self] in
            guard let self else { return }
            self.watch.end()
            self.invalidateAll()
            self.events?.finish()
        }
        self.observer.withLock { $0 = id }
    }

    @inline(__always)
    private func part<Result: Sendable>(
        of key: String,
        _ body: (inout CacheShard, UInt64) -> Result
    ) -> Result {
        let hash = keyHash(key)
        let index = Int(truncatingIfNeeded: hash >> 60) & (self.parts.count - 1)
        return self.parts[index].shard.withLock { shard in body(&shard, hash) }
    }

    /// Returns what `body` makes of the item, if there is one that may be answered, and what is known of the key.
    @inline(__always)
    func read<Result: Sendable>(
        _ key: String,
        at now: Timestamp,
        _ body: (Entry) -> Result
    ) -> (result: Result?, ticket: CacheShard.Ticket) {
        self.part(of: key) { shard, hash in
            let result = shard.read(key, hash, at: now, body)
            return (result, shard.ticket(hash))
        }
    }

    /// Whether the key has not been written since the ticket was given.
    func isCurrent(_ key: String, _ ticket: CacheShard.Ticket) -> Bool {
        self.part(of: key) { shard, hash in shard.ticket(hash) == ticket }
    }

    /// Keeps what a read that began at `start` found, unless the key was written since the ticket was given.
    func fill(_ entry: Entry, _ key: String, ifStill ticket: CacheShard.Ticket, from start: Timestamp) {
        let oldest = start.advanced(by: self.maximumAge)
        let end = min(oldest, entry.meta.deadline ?? oldest)
        guard start < end else { return }
        self.part(of: key) { shard, hash in
            shard.fill(entry, key, hash, ifStill: ticket, from: start, until: end)
        }
    }

    /// Has nobody read from the cache, nor keep, what the call is about to write.
    func beginWrite(_ call: DriverCall) {
        for key in call.keys { self.part(of: key) { shard, hash in shard.beginWrite(key, hash) } }
        guard let base = call.base else { return }
        for part in self.parts { part.shard.withLock { $0.beginClear(base) } }
    }

    /// Has everybody read anew what the call wrote, or may have written.
    func endWrite(_ call: DriverCall) {
        for key in call.keys { self.part(of: key) { shard, hash in shard.endWrite(hash) } }
        guard call.base != nil else { return }
        for part in self.parts { part.shard.withLock { $0.endClear() } }
    }

    /// Has everybody read anew what another wrote.
    func invalidate(_ key: String) {
        self.part(of: key) { shard, hash in shard.invalidate(key, hash) }
    }

    func invalidateAll() {
        for part in self.parts { part.shard.withLock { $0.invalidateAll() } }
    }

    /// Gives the memory back and keeps nothing from then on.
    func close() {
        for part in self.parts { part.shard.withLock { $0.close() } }
    }

    /// How many items are kept.
    var count: Int { self.parts.reduce(0) { $0 + $1.shard.withLock { $0.count } } }
}
