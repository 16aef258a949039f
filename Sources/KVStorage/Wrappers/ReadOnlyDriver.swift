/// Refuses every write to the driver that it wraps, with ``StorageError/Code/readOnly``.
public struct ReadOnlyDriver: StorageDriverWrapper {
    /// The driver that is read from.
    public let wrapped: any StorageDriver

    /// Creates a wrapper that reads through to the given driver.
    public init(_ wrapped: some StorageDriver) {
        self.wrapped = wrapped
    }

    private init(wrapping wrapped: any StorageDriver) {
        self.wrapped = wrapped
    }

    /// The wrapped driver's, and read-only.
    public var capabilities: Capabilities {
        var capabilities = self.wrapped.capabilities
        capabilities.readOnly = true
        return capabilities
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
    public func setMeta(_ key: String, _ fields: [UInt8]?) async throws(StorageError) -> Bool {
        throw self.refusal(key)
    }

    /// Refuses.
    public func clear(_ base: String) async throws(StorageError) -> Int {
        throw self.refusal(nil)
    }

    /// Limits the driver that is read from.
    public func limited(to limit: Duration) throws(StorageError) -> any StorageDriver {
        ReadOnlyDriver(wrapping: try self.wrapped.limited(to: limit))
    }

    private func refusal(_ key: String?) -> StorageError {
        StorageError(.readOnly, "the mount is read-only; write through another mount of the store", key: key)
    }
}

extension StorageDriver where Self == ReadOnlyDriver {
    /// A driver that reads from another and refuses every write.
    public static func readOnly(_ wrapped: some StorageDriver) -> ReadOnlyDriver { ReadOnlyDriver(wrapped) }
}
