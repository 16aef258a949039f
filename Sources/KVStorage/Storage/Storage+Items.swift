extension Storage {
    /// Returns whether the item is there.
    public func hasItem(_ key: String) async throws(StorageError) -> Bool {
        var route = try self.route(key)
        while true {
            do { return try await route.mount.driver.hasItem(route.key) } catch {
                try self.reroute(&route, after: error)
            }
        }
    }

    /// Returns the item's value, or `nil` if it is absent.
    ///
    /// A `String` is the item's text as it is stored; any other type goes through the storage's codec.
    /// - Throws: ``StorageError/Code/decoding`` if the bytes are not of that type; the item stays.
    public func getItem<Value: Decodable>(
        _ key: String,
        as type: Value.Type = Value.self
    ) async throws(StorageError) -> Value? {
        var route = try self.route(key)
        guard let bytes = try await self.read(&route) else { return nil }
        return try self.values.decode(type, from: bytes, key: route.name)
    }

    /// Stores the value, replacing what was there; `nil` removes the item.
    ///
    /// The item lives for `ttl`, by default the mount's lifetime, which is forever unless the mount was given one; with
    /// ``TTL/keep`` an existing item keeps its deadline. Custom metadata of an existing item stays.
    /// - Throws: ``StorageError/Code/encoding`` if the codec can't express the value,
    ///   ``StorageError/Code/invalidOption`` if `ttl` is not positive; nothing was written then.
    public func setItem<Value: Encodable>(
        _ key: String,
        _ value: Value?,
        ttl: TTL = .default
    ) async throws(StorageError) {
        guard let value else {
            try await self.removeItem(key)
            return
        }
        try ttl.validate()
        var route = try self.route(key)
        let bytes = try self.values.encode(value, key: route.name)
        try await self.set(&route, bytes, ttl)
    }

    /// Stores the value if the key has none, and returns whether it did: of several callers exactly one does.
    ///
    /// With `ifAbsent: false` the value is stored whatever was there.
    /// - Throws: As ``setItem(_:_:ttl:)``.
    public func setItem<Value: Encodable>(
        _ key: String,
        _ value: Value,
        ttl: TTL = .default,
        ifAbsent: Bool
    ) async throws(StorageError) -> Bool {
        try ttl.validate()
        var route = try self.route(key)
        let bytes = try self.values.encode(value, key: route.name)
        guard ifAbsent else {
            try await self.set(&route, bytes, ttl)
            return true
        }
        return try await self.compareAndSwap(&route, nil, bytes, ttl) == .swapped
    }

    /// Removes the item with its metadata and returns whether it was there; one that was not is no error.
    @discardableResult
    public func removeItem(_ key: String) async throws(StorageError) -> Bool {
        var route = try self.route(key)
        while true {
            do { return try await route.mount.removeItem(route.key) } catch {
                try self.reroute(&route, after: error)
            }
        }
    }

    @inline(__always)
    func read(_ route: inout Route) async throws(StorageError) -> [UInt8]? {
        while true {
            do { return try await route.mount.driver.getItem(route.key) } catch {
                try self.reroute(&route, after: error)
            }
        }
    }

    @inline(__always)
    func set(_ route: inout Route, _ bytes: [UInt8], _ ttl: TTL) async throws(StorageError) {
        while true {
            do { return try await route.mount.setItem(route.key, bytes, ttl) } catch {
                try self.reroute(&route, after: error)
            }
        }
    }
}
