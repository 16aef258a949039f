import Synchronization

/// A bounded memory store in front of a slower driver.
///
/// Reads are answered from the cache where it has the item; writes go to the slower driver and are forgotten by the cache.
/// What is written through this driver is never read stale afterwards. Writes by others are noticed where the slower driver
/// tells of them (``Capabilities/watching`` is `.external`, after ``startWatching()``; `.local` for those of this process);
/// where it does not, a cached item is at most ``maximumAge`` old.
///
/// An item's lifetime holds in the cache too. Items that are absent are not cached.
public final class CachedDriver: StorageDriverWrapper {
    /// The slower driver, which has all items.
    public let wrapped: any StorageDriver
    /// How long an item is answered from the cache at most.
    public let maximumAge: Duration

    private let cache: MemoryDriver
    private let generations = Generations()
    private let observer: Int?

    /// Creates a cache in front of a driver; `maximumAge` is a minute by default.
    public init(_ wrapped: some StorageDriver, in cache: MemoryDriver, maximumAge: Duration = .seconds(60)) {
        self.wrapped = wrapped
        self.cache = cache
        self.maximumAge = maximumAge
        let generations = self.generations
        self.observer = wrapped.events?.addObserver { event in
            generations.forget(event.key, in: cache)
        }
    }

    deinit {
        if let observer = self.observer { self.wrapped.events?.removeObserver(observer) }
    }

    /// Returns the item's bytes, from the cache if it has them.
    public func getItem(_ key: String) async throws(StorageError) -> [UInt8]? {
        if let cached = try await self.cache.getItem(key) { return cached }
        let generation = self.generations.current(key)
        let clock = self.cache.store.clock
        let start = clock.now
        // The lifetime first: if the item is written in between, the generation tells.
        guard let meta = try await self.wrapped.getMeta(key), let value = try await self.wrapped.getItem(key) else {
            return nil
        }
        // What reading took is gone from it.
        let ttl = min(meta.ttl ?? self.maximumAge, self.maximumAge) - start.duration(to: clock.now)
        guard ttl > .zero, self.generations.current(key) == generation else { return value }
        do {
            try await self.cache.setItem(key, value, WriteOptions(ttl: ttl))
        } catch {
            // Larger than the cache: read through, next time too.
            guard error.code == .tooLarge else { throw error }
        }
        if self.generations.current(key) != generation { self.cache.store.forget(key) }
        return value
    }

    /// Returns the items in the order asked, from the cache those that it has.
    public func getItems(_ keys: [String]) async throws(StorageError) -> [[UInt8]?] {
        var values: [[UInt8]?] = []
        values.reserveCapacity(keys.count)
        for key in keys { values.append(try await self.getItem(key)) }
        return values
    }

    /// Writes through and forgets the cached item.
    public func setItem(_ key: String, _ value: [UInt8], _ options: WriteOptions) async throws(StorageError) {
        try await self.writing([key]) { () async throws(StorageError) in
            try await self.wrapped.setItem(key, value, options)
        }
    }

    /// Writes through and forgets the cached item.
    public func removeItem(_ key: String) async throws(StorageError) -> Bool {
        try await self.writing([key]) { () async throws(StorageError) in try await self.wrapped.removeItem(key) }
    }

    /// Writes through and forgets the cached item.
    public func compareAndSwapItem(
        _ key: String,
        expected: [UInt8]?,
        replacement: [UInt8]?,
        _ options: WriteOptions
    ) async throws(StorageError) -> CompareAndSwapResult {
        try await self.writing([key]) { () async throws(StorageError) in
            try await self.wrapped.compareAndSwapItem(key, expected: expected, replacement: replacement, options)
        }
    }

    /// Writes through and forgets the cached item.
    public func touchItem(_ key: String, ttl: Duration?) async throws(StorageError) -> Bool {
        try await self.writing([key]) { () async throws(StorageError) in
            try await self.wrapped.touchItem(key, ttl: ttl)
        }
    }

    /// Writes through and forgets the cached items.
    public func apply(_ mutations: [Mutation]) async throws(StorageError) -> Int {
        try await self.writing(mutations.map(\.key)) { () async throws(StorageError) in
            try await self.wrapped.apply(mutations)
        }
    }

    /// Writes through and forgets the cached item.
    public func takeItem(_ key: String) async throws(StorageError) -> [UInt8]? {
        try await self.writing([key]) { () async throws(StorageError) in try await self.wrapped.takeItem(key) }
    }

    /// Writes through and forgets the cached item.
    public func incrementItem(
        _ key: String,
        by amount: Int,
        _ options: WriteOptions
    ) async throws(StorageError) -> Int {
        try await self.writing([key]) { () async throws(StorageError) in
            try await self.wrapped.incrementItem(key, by: amount, options)
        }
    }

    /// Writes through and forgets all cached items below the base.
    public func clear(_ base: String) async throws(StorageError) -> Int {
        self.generations.advanceAll()
        do {
            let removed = try await self.wrapped.clear(base)
            self.generations.advanceAll()
            _ = try await self.cache.clear(base)
            return removed
        } catch {
            self.generations.advanceAll()
            _ = try await self.cache.clear(base)
            throw error
        }
    }

    /// Disposes of the cache and of the wrapped driver.
    public func dispose() async throws(StorageError) {
        try await self.cache.dispose()
        try await self.wrapped.dispose()
    }

    /// Writes between two changes of generation: who read before or while it was written caches nothing.
    private func writing<Result>(
        _ keys: [String],
        _ write: () async throws(StorageError) -> Result
    ) async throws(StorageError) -> Result {
        for key in keys { self.generations.forget(key, in: self.cache) }
        do {
            let result = try await write()
            for key in keys { self.generations.forget(key, in: self.cache) }
            return result
        } catch {
            // It may have been written all the same.
            for key in keys { self.generations.forget(key, in: self.cache) }
            throw error
        }
    }
}

extension CachedDriver {
    /// Counters that tell whether an item may have been written since it was read; several items share one.
    private final class Generations: Sendable {
        private let counters = Mutex([UInt64](repeating: 0, count: 256))

        func current(_ key: String) -> UInt64 {
            let index = Int(truncatingIfNeeded: keyHash(key) & 255)
            return self.counters.withLock { $0[index] }
        }

        /// Notes that the item (`nil`: any item) was written, and drops it from the cache.
        func forget(_ key: String?, in cache: MemoryDriver) {
            guard let key else {
                self.advanceAll()
                cache.store.forgetAll()
                return
            }
            let index = Int(truncatingIfNeeded: keyHash(key) & 255)
            self.counters.withLock { $0[index] &+= 1 }
            cache.store.forget(key)
        }

        func advanceAll() {
            self.counters.withLock { counters in
                for index in counters.indices { counters[index] &+= 1 }
            }
        }
    }
}

extension StorageDriver where Self == CachedDriver {
    /// A memory store in front of a slower driver; see ``CachedDriver``.
    public static func cached(
        _ wrapped: some StorageDriver,
        in cache: MemoryDriver = .memory(maximumBytes: 64 << 20),
        maximumAge: Duration = .seconds(60)
    ) -> CachedDriver {
        CachedDriver(wrapped, in: cache, maximumAge: maximumAge)
    }
}
