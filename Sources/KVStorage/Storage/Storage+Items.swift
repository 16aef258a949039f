extension Storage {
    /// Returns whether the item is there.
    public func hasItem(_ key: String) async throws(StorageError) -> Bool {
        let route = try self.route(key)
        do { return try await route.mount.driver.hasItem(route.key) } catch {
            return try await self.again(route, after: error) { mount, key throws(StorageError) in
                try await mount.driver.hasItem(key)
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
        let route = try self.route(key)
        let bytes: [UInt8]?
        do { bytes = try await route.mount.driver.getItem(route.key) } catch {
            bytes = try await self.readAgain(route, after: error)
        }
        guard let bytes else { return nil }
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
        let route = try self.route(key)
        let bytes = try self.values.encode(value, key: route.name)
        try await self.set(route, bytes, ttl)
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
        let route = try self.route(key)
        let bytes = try self.values.encode(value, key: route.name)
        guard ifAbsent else {
            try await self.set(route, bytes, ttl)
            return true
        }
        return try await self.compareAndSwap(route, nil, bytes, ttl) == .swapped
    }

    /// Removes the item with its metadata and returns whether it was there; one that was not is no error.
    @discardableResult
    public func removeItem(_ key: String) async throws(StorageError) -> Bool {
        let route = try self.route(key)
        do { return try await route.mount.removeItem(route.key) } catch {
            return try await self.again(route, after: error) { mount, key throws(StorageError) in
                try await mount.removeItem(key)
            }
        }
    }

    /// Reads once more, on the mount that the key belongs to by now; see ``again(_:after:_:)``.
    @inline(never)
    func readAgain(_ route: Route, after error: StorageError) async throws(StorageError) -> [UInt8]? {
        try await self.again(route, after: error) { mount, key throws(StorageError) in
            try await mount.driver.getItem(key)
        }
    }

    @inline(__always)
    func set(_ route: Route, _ bytes: [UInt8], _ ttl: TTL) async throws(StorageError) {
        do { try await route.mount.setItem(route.key, bytes, ttl) } catch {
            try await self.again(route, after: error) { mount, key throws(StorageError) in
                try await mount.setItem(key, bytes, ttl)
            }
        }
    }
}
