/// unstorage's short names.
extension Storage {
    /// Returns whether the item is there; ``hasItem(_:)``.
    public func has(_ key: String) async throws(StorageError) -> Bool {
        try await self.hasItem(key)
    }

    /// Returns the item's value; ``getItem(_:as:)``.
    public func get<Value: Decodable>(
        _ key: String,
        as type: Value.Type = Value.self
    ) async throws(StorageError) -> Value? {
        try await self.getItem(key, as: type)
    }

    /// Stores the value; ``setItem(_:_:ttl:)``.
    public func set<Value: Encodable>(
        _ key: String,
        _ value: Value?,
        ttl: TTL = .default
    ) async throws(StorageError) {
        try await self.setItem(key, value, ttl: ttl)
    }

    /// Removes the item; ``removeItem(_:)``.
    @discardableResult
    public func remove(_ key: String) async throws(StorageError) -> Bool {
        try await self.removeItem(key)
    }

    /// Removes the item; ``removeItem(_:)``.
    @discardableResult
    public func del(_ key: String) async throws(StorageError) -> Bool {
        try await self.removeItem(key)
    }

    /// Returns the keys below a base; ``getKeys(_:maxDepth:)``.
    public func keys(_ base: String = "", maxDepth: Int? = nil) async throws(StorageError) -> [String] {
        try await self.getKeys(base, maxDepth: maxDepth)
    }
}
