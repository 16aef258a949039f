/// A bounded store in this process's memory in front of a slower driver, which it owns: a near cache.
///
///     try storage.mount("users", .cached(.sqlite(at: "users.db")))
///
/// Reads are answered from memory where it has the item, with its metadata; everything else goes to the driver. How
/// current a read is:
/// - What is written through this driver, or through a view of it, is what every later read through it finds. A write
///   that fails is taken for one that may have been done.
/// - Where the driver emits what others change (``Capabilities/watching``), the cache has it watched from the first
///   item that it keeps on, and is late by no more than the event. When watching ends, nothing is kept of what was
///   read until then, and it is begun again.
/// - Else, and at most in any case, an item is ``maximumAge`` old: that much older than what the driver itself answers.
///
/// So ``Capabilities/Feature/readsMayBeOld`` is declared: what decides by what it read, as
/// `updateItem` and transactions do, reads the driver. A batch is seen whole, where the driver
/// says so, as far as it is written through this cache; over a driver that other processes write to as well,
/// ``Capabilities/Feature/wholeReads`` is not declared.
///
/// From its deadline on an item is absent here too. Absent items are not cached.
///
/// Cost: an item that is cached takes one hash and one short critical section. A batch of missing items is one
/// ``StorageDriver/getEntries(_:)``, and so is an item that many tasks miss at once: they share one read, which ends
/// though some of them are cancelled. ``StorageDriver/hasItem(_:)`` and ``StorageDriver/getMeta(_:)`` fetch no value
/// for the cache.
public final class CachedDriver: StorageDriver, ForwardingDriver {
    /// The slower driver, which has all items.
    public let wrapped: any StorageDriver
    /// The driver's, with reads that may be old, and without whole reads where other processes write too.
    public let capabilities: Capabilities
    /// How long an item is answered from the cache at most.
    public var maximumAge: Duration { self.cache.maximumAge }
    /// What the driver emits, once the cache no longer answers the old item.
    public var events: EventHub? { self.cache.events }

    package var base: any StorageDriver { self.wrapped }
    let cache: NearCache
    // Of this view alone: who may wait for only so long joins nobody who waits longer.
    let flights = Flights()
    /// Whether a batch is read as a whole.
    let readsWhole: Bool

    /// Creates a cache in front of a driver.
    ///
    /// - Parameters:
    ///   - wrapped: the slower driver.
    ///   - maximumBytes: how much memory the items may take, 256 bytes for each included; 64 MiB by default. An item
    ///     of more than 4 MiB, or of more than a sixteenth of the limit if that is more, is not kept; nor is anything
    ///     if it is not positive.
    ///   - maximumItems: how many items may be kept; `nil`, the default, is no limit.
    ///   - maximumAge: how long an item is answered from the cache at most, a minute by default; nothing is kept if it
    ///     is not positive.
    public convenience init(
        _ wrapped: some StorageDriver,
        maximumBytes: Int = 64 << 20,
        maximumItems: Int? = nil,
        maximumAge: Duration = .seconds(60)
    ) {
        self.init(
            wrapped, maximumBytes: maximumBytes, maximumItems: maximumItems, maximumAge: maximumAge, clock: .system)
    }

    /// Creates a cache that takes its time from the clock.
    package convenience init(
        _ wrapped: any StorageDriver,
        maximumBytes: Int = 64 << 20,
        maximumItems: Int? = nil,
        maximumAge: Duration = .seconds(60),
        clock: any StorageClock
    ) {
        let cache = NearCache(
            of: wrapped,
            maximumBytes: maximumBytes,
            maximumItems: maximumItems,
            maximumAge: maximumAge,
            clock: clock
        )
        self.init(wrapped, cache)
    }

    private init(_ wrapped: any StorageDriver, _ cache: NearCache) {
        self.wrapped = wrapped
        self.cache = cache
        var capabilities = wrapped.capabilities
        self.readsWhole = capabilities.contains(.wholeReads)
        capabilities.features.insert(.readsMayBeOld)
        if capabilities.contains(.interprocess) { capabilities.features.remove(.wholeReads) }
        self.capabilities = capabilities
    }

    /// Writes between two changes of generation: what was read before it, or while it is written, is neither kept nor
    /// given to anybody who comes later.
    package func around<Result>(
        _ call: DriverCall,
        _ body: () async throws(StorageError) -> Result
    ) async throws(StorageError) -> Result {
        guard call.operation.isWrite else { return try await body() }
        self.cache.beginWrite(call)
        // Also if it throws: it may have been written all the same.
        defer { self.cache.endWrite(call) }
        return try await body()
    }

    /// Commits by the driver. What is only checked stays cached if it is as expected: else another has written it.
    public func commit(_ commit: Commit) async throws(StorageError) -> CommitOutcome {
        let keys = commit.mutations.map(\.key)
        let call = DriverCall(keys.isEmpty ? .check : .commit, keys)
        let outcome = try await self.around(call) { () async throws(StorageError) in
            try await self.wrapped.commit(commit)
        }
        if case .mismatch = outcome {
            for check in commit.checks { self.cache.invalidate(check.key) }
        }
        return outcome
    }

    /// Returns a view of the cache over the driver's limited one; it shares what is cached.
    public func limited(to limit: Duration) throws(StorageError) -> any StorageDriver {
        CachedDriver(try self.wrapped.limited(to: limit), self.cache)
    }

    /// Gives the memory back and disposes of the driver.
    public func dispose() async throws(StorageError) {
        self.cache.close()
        try await self.wrapped.dispose()
    }
}

extension StorageDriver where Self == CachedDriver {
    /// A near cache in front of a slower driver; see ``CachedDriver``, and
    /// ``CachedDriver/init(_:maximumBytes:maximumItems:maximumAge:)`` for the limits.
    public static func cached(
        _ wrapped: some StorageDriver,
        maximumBytes: Int = 64 << 20,
        maximumItems: Int? = nil,
        maximumAge: Duration = .seconds(60)
    ) -> CachedDriver {
        CachedDriver(wrapped, maximumBytes: maximumBytes, maximumItems: maximumItems, maximumAge: maximumAge)
    }
}
