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
    /// The item lives for `ttl` from now on, for the mount's default lifetime if `ttl` is `nil`, forever if the mount
    /// has none; with `keepTTL` an existing item keeps its deadline. Custom metadata of an existing item stays.
    /// - Throws: ``StorageError/Code/encoding`` if the codec can't express the value,
    ///   ``StorageError/Code/invalidOption`` if `ttl` is not positive; nothing was written then.
    public func setItem<Value: Encodable>(
        _ key: String,
        _ value: Value?,
        ttl: Duration? = nil,
        keepTTL: Bool = false
    ) async throws(StorageError) {
        guard let value else {
            try await self.removeItem(key)
            return
        }
        let route = try self.route(key)
        try await self.set(route, try self.values.encode(value, key: route.name), ttl: ttl, keepTTL: keepTTL)
    }

    /// Stores the value if the key has none, and returns whether it did: of several callers exactly one does.
    ///
    /// With `ifAbsent: false` the value is stored whatever was there.
    /// - Throws: As ``setItem(_:_:ttl:keepTTL:)``.
    public func setItem<Value: Encodable>(
        _ key: String,
        _ value: Value,
        ttl: Duration? = nil,
        ifAbsent: Bool
    ) async throws(StorageError) -> Bool {
        let route = try self.route(key)
        let bytes = try self.values.encode(value, key: route.name)
        guard ifAbsent else {
            try await self.set(route, bytes, ttl: ttl)
            return true
        }
        try Self.validate(ttl: ttl)
        var written = route
        return try await self.compareAndSwap(&written, nil, bytes, ttl: ttl) == .swapped
    }

    /// Removes the item with its metadata and returns whether it was there; one that was not is no error.
    @discardableResult
    public func removeItem(_ key: String) async throws(StorageError) -> Bool {
        var route = try self.route(key)
        while true {
            let ticket = route.mount.beginWrite(route.key)
            do {
                let removed = try await route.mount.driver.removeItem(route.key)
                route.mount.endWrite(ticket, removed ? .remove(route.key) : nil)
                return removed
            } catch {
                route.mount.endWrite(ticket, failed: error)
                try self.reroute(&route, after: error)
            }
        }
    }

    /// Returns the item's bytes as they are stored, or `nil` if it is absent.
    ///
    /// With `decodingBase64Prefix` bytes that unstorage stored as text, `base64:` and base64, are answered decoded.
    /// - Throws: ``StorageError/Code/decoding`` if such a text is not valid base64.
    public func getItemRaw(
        _ key: String,
        decodingBase64Prefix: Bool = false
    ) async throws(StorageError) -> [UInt8]? {
        var route = try self.route(key)
        let bytes = try await self.read(&route)
        guard decodingBase64Prefix, let bytes else { return bytes }
        return try Base64Text.decode(bytes, key: route.name)
    }

    /// Stores the bytes as they are, replacing what was there; `nil` removes the item.
    ///
    /// Lifetime and errors are those of ``setItem(_:_:ttl:keepTTL:)``.
    public func setItemRaw(
        _ key: String,
        _ bytes: [UInt8]?,
        ttl: Duration? = nil,
        keepTTL: Bool = false
    ) async throws(StorageError) {
        guard let bytes else {
            try await self.removeItem(key)
            return
        }
        try await self.set(try self.route(key), bytes, ttl: ttl, keepTTL: keepTTL)
    }

    @inline(__always)
    private func read(_ route: inout Route) async throws(StorageError) -> [UInt8]? {
        while true {
            do { return try await route.mount.driver.getItem(route.key) } catch {
                try self.reroute(&route, after: error)
            }
        }
    }

    private func set(
        _ route: Route,
        _ bytes: [UInt8],
        ttl: Duration?,
        keepTTL: Bool = false
    ) async throws(StorageError) {
        try Self.validate(ttl: ttl)
        var route = route
        while true {
            let ticket = route.mount.beginWrite(route.key)
            do {
                try await route.mount.driver.setItem(
                    route.key,
                    bytes,
                    route.mount.options(ttl: ttl, keepTTL: keepTTL)
                )
                route.mount.endWrite(ticket, .update(route.key))
                return
            } catch {
                route.mount.endWrite(ticket, failed: error)
                try self.reroute(&route, after: error)
            }
        }
    }
}
