/// A driver in front of another one: whatever it does not implement itself goes through to the wrapped driver.
///
///     struct Counting: StorageDriverWrapper {
///         let wrapped: any StorageDriver
///         let reads = Counter()
///
///         func getItem(_ key: String) async throws(StorageError) -> [UInt8]? {
///             self.reads.increment()
///             return try await self.wrapped.getItem(key)
///         }
///     }
///
/// A wrapper that changes what a write does has to implement every call that writes: `setItem`, `removeItem`,
/// `compareAndSwapItem`, `touchItem`, `apply`, `takeItem`, `incrementItem`, `setMeta` and `clear`.
public protocol StorageDriverWrapper: StorageDriver {
    /// The driver behind this one.
    var wrapped: any StorageDriver { get }
}

extension StorageDriverWrapper {
    /// The wrapped driver's name.
    public var name: String { self.wrapped.name }

    /// The wrapped driver's capabilities.
    public var capabilities: Capabilities { self.wrapped.capabilities }

    /// The wrapped driver's events.
    public var events: EventHub? { self.wrapped.events }

    /// Starts the wrapped driver's watching.
    public func startWatching() async throws(StorageError) {
        try await self.wrapped.startWatching()
    }

    /// Reads through.
    public func getItem(_ key: String) async throws(StorageError) -> [UInt8]? {
        try await self.wrapped.getItem(key)
    }

    /// Reads through.
    public func hasItem(_ key: String) async throws(StorageError) -> Bool {
        try await self.wrapped.hasItem(key)
    }

    /// Reads through.
    public func getItems(_ keys: [String]) async throws(StorageError) -> [[UInt8]?] {
        try await self.wrapped.getItems(keys)
    }

    /// Reads through.
    public func getMeta(_ key: String) async throws(StorageError) -> ItemMeta? {
        try await self.wrapped.getMeta(key)
    }

    /// Reads through.
    public func getKeys(_ query: KeyQuery) async throws(StorageError) -> KeyPage {
        try await self.wrapped.getKeys(query)
    }

    /// Writes through.
    public func setItem(_ key: String, _ value: [UInt8], _ options: WriteOptions) async throws(StorageError) {
        try await self.wrapped.setItem(key, value, options)
    }

    /// Writes through.
    public func removeItem(_ key: String) async throws(StorageError) -> Bool {
        try await self.wrapped.removeItem(key)
    }

    /// Writes through.
    public func compareAndSwapItem(
        _ key: String,
        expected: [UInt8]?,
        replacement: [UInt8]?,
        _ options: WriteOptions
    ) async throws(StorageError) -> CompareAndSwapResult {
        try await self.wrapped.compareAndSwapItem(key, expected: expected, replacement: replacement, options)
    }

    /// Writes through.
    public func touchItem(_ key: String, ttl: Duration?) async throws(StorageError) -> Bool {
        try await self.wrapped.touchItem(key, ttl: ttl)
    }

    /// Writes through.
    public func apply(_ mutations: [Mutation]) async throws(StorageError) -> Int {
        try await self.wrapped.apply(mutations)
    }

    /// Writes through.
    public func takeItem(_ key: String) async throws(StorageError) -> [UInt8]? {
        try await self.wrapped.takeItem(key)
    }

    /// Writes through.
    public func incrementItem(
        _ key: String,
        by amount: Int,
        _ options: WriteOptions
    ) async throws(StorageError) -> Int {
        try await self.wrapped.incrementItem(key, by: amount, options)
    }

    /// Writes through.
    public func setMeta(_ key: String, _ fields: [UInt8]?) async throws(StorageError) -> Bool {
        try await self.wrapped.setMeta(key, fields)
    }

    /// Writes through.
    public func clear(_ base: String) async throws(StorageError) -> Int {
        try await self.wrapped.clear(base)
    }

    /// Disposes of the wrapped driver.
    public func dispose() async throws(StorageError) {
        try await self.wrapped.dispose()
    }
}
