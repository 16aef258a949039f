/// Refuses every write to the driver that it wraps, with ``StorageError/Code/readOnly``.
public struct ReadOnlyDriver: StorageDriver {
    private let wrapped: any StorageDriver

    /// Creates a wrapper that reads through to the given driver.
    public init(_ wrapped: some StorageDriver) {
        self.wrapped = wrapped
    }

    /// The wrapped driver's name.
    public var name: String { self.wrapped.name }

    /// The wrapped driver's, and read-only.
    public var capabilities: Capabilities {
        var capabilities = self.wrapped.capabilities
        capabilities.readOnly = true
        return capabilities
    }

    /// The wrapped driver's: others may write to it.
    public var events: EventHub? { self.wrapped.events }

    /// Returns the item's bytes.
    public func getItem(_ key: String) async throws(StorageError) -> [UInt8]? {
        try await self.wrapped.getItem(key)
    }

    /// Returns whether the item is there.
    public func hasItem(_ key: String) async throws(StorageError) -> Bool {
        try await self.wrapped.hasItem(key)
    }

    /// Returns the items in the order asked.
    public func getItems(_ keys: [String]) async throws(StorageError) -> [[UInt8]?] {
        try await self.wrapped.getItems(keys)
    }

    /// Returns what is known about the item.
    public func getMeta(_ key: String) async throws(StorageError) -> ItemMeta? {
        try await self.wrapped.getMeta(key)
    }

    /// Returns one page of keys.
    public func getKeys(_ query: KeyQuery) async throws(StorageError) -> KeyPage {
        try await self.wrapped.getKeys(query)
    }

    /// Starts the wrapped driver's watching.
    public func startWatching() async throws(StorageError) {
        try await self.wrapped.startWatching()
    }

    /// Disposes of the wrapped driver.
    public func dispose() async throws(StorageError) {
        try await self.wrapped.dispose()
    }

    /// Refuses.
    public func setItem(_ key: String, _ value: [UInt8], _ options: WriteOptions) async throws(StorageError) {
        throw self.refusal(key)
    }

    /// Refuses.
    public func removeItem(_ key: String) async throws(StorageError) -> Bool {
        throw self.refusal(key)
    }

    /// Refuses.
    public func compareAndSwapItem(
        _ key: String,
        expected: [UInt8]?,
        replacement: [UInt8]?,
        _ options: WriteOptions
    ) async throws(StorageError) -> CompareAndSwapResult {
        throw self.refusal(key)
    }

    /// Refuses.
    public func touchItem(_ key: String, ttl: Duration?) async throws(StorageError) -> Bool {
        throw self.refusal(key)
    }

    /// Refuses.
    public func setMeta(_ key: String, _ fields: [UInt8]?) async throws(StorageError) -> Bool {
        throw self.refusal(key)
    }

    /// Refuses, also an empty batch.
    public func apply(_ mutations: [Mutation]) async throws(StorageError) -> Int {
        throw self.refusal(mutations.first?.key)
    }

    /// Refuses.
    public func takeItem(_ key: String) async throws(StorageError) -> [UInt8]? {
        throw self.refusal(key)
    }

    /// Refuses.
    public func incrementItem(
        _ key: String,
        by amount: Int,
        _ options: WriteOptions
    ) async throws(StorageError) -> Int {
        throw self.refusal(key)
    }

    /// Refuses.
    public func clear(_ base: String) async throws(StorageError) -> Int {
        throw self.refusal(nil)
    }

    private func refusal(_ key: String?) -> StorageError {
        StorageError(.readOnly, "the mount is read-only; write through another mount of the store", key: key)
    }
}

extension StorageDriver where Self == ReadOnlyDriver {
    /// A driver that reads from another and refuses every write.
    public static func readOnly(_ wrapped: some StorageDriver) -> ReadOnlyDriver { ReadOnlyDriver(wrapped) }
}
