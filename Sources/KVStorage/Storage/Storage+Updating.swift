extension Storage {
    /// Reads the item, lets the body change it, and writes it back, as one step that no other write can come between.
    ///
    /// An absent item starts as `default`. If another write came between, the body runs again on the new value, so it
    /// should do nothing but change it. What the body throws passes through unchanged, and the item stays as it is.
    ///
    /// Calls that meet each other take turns, in the order in which they came, so that none starves and a body runs about
    /// once for each; between processes they try again after short pauses of random length.
    ///
    /// The item lives for `ttl` from now on, as with ``setItem(_:_:ttl:keepTTL:)``; with `keepTTL` an existing item keeps its
    /// deadline, and `ttl` only counts for one that is created.
    /// - Returns: What the body returned in the run that was written.
    /// - Throws: ``StorageError``, or whatever the body throws; the item stays then. The code is
    ///   ``StorageError/Code/conflict`` if others kept coming between for the storage's `busyTimeout` and 16 tries,
    ///   ``StorageError/Code/cancelled`` if the task was cancelled while they did.
    public func updateItem<Value: Codable, Result, Failure: Error>(
        _ key: String,
        default defaultValue: @autoclosure () -> Value,
        ttl: Duration? = nil,
        keepTTL: Bool = false,
        _ body: (inout Value) throws(Failure) -> Result
    ) async throws -> Result {
        try await self.update(key, ttl: ttl, keepTTL: keepTTL) { (value: inout Value?) in
            var present = value ?? defaultValue()
            let result = try body(&present)
            value = present
            return result
        }
    }

    /// Reads the item, lets the body change, create or remove it, and writes that back, as one step.
    ///
    /// The body is given `nil` for an absent item and leaves `nil` to have none. All else is as with
    /// ``updateItem(_:default:ttl:keepTTL:_:)``.
    public func updateItem<Value: Codable, Result, Failure: Error>(
        _ key: String,
        as type: Value.Type = Value.self,
        ttl: Duration? = nil,
        keepTTL: Bool = false,
        _ body: (inout Value?) throws(Failure) -> Result
    ) async throws -> Result {
        try await self.update(key, ttl: ttl, keepTTL: keepTTL) { (value: inout Value?) in try body(&value) }
    }

    private func update<Value: Codable, Result>(
        _ key: String,
        ttl: Duration?,
        keepTTL: Bool,
        _ body: (inout Value?) throws -> Result
    ) async throws -> Result {
        var route = try self.route(key)
        try Self.validate(ttl: ttl)
        var turn = self.turn(route)
        defer { turn.end() }
        try await turn.begin()
        var current = try await self.current(&route)
        while true {
            var value = try current.map { try self.values.decode(Value.self, from: $0, key: route.name) }
            let result = try body(&value)
            let replacement = try value.map { try self.values.encode($0, key: route.name) }
            if current == nil, replacement == nil { return result }
            switch try await self.compareAndSwap(&route, current, replacement, ttl: ttl, keepTTL: keepTTL) {
            case .swapped: return result
            case .mismatch(let other): current = other
            }
            if try await turn.next() { current = try await self.current(&route) }
        }
    }

    /// Returns the item's value and removes the item, as one step: of several callers exactly one gets it.
    ///
    /// - Throws: ``StorageError/Code/decoding`` if the bytes are not of that type; the item stays. Else as
    ///   ``updateItem(_:default:ttl:keepTTL:_:)``.
    public func takeItem<Value: Decodable>(
        _ key: String,
        as type: Value.Type = Value.self
    ) async throws(StorageError) -> Value? {
        var route = try self.route(key)
        var turn = self.turn(route)
        defer { turn.end() }
        try await turn.begin()
        var current = try await self.current(&route)
        // Decoded before it is removed, so that a value of another type is not lost.
        while let bytes = current {
            let value = try self.values.decode(type, from: bytes, key: route.name)
            switch try await self.compareAndSwap(&route, bytes, nil) {
            case .swapped: return value
            case .mismatch(let other): current = other
            }
            if try await turn.next() { current = try await self.current(&route) }
        }
        return nil
    }

    func turn(_ route: Route) -> SwapTurn {
        SwapTurn(self.core.queues, route, limit: self.core.busyTimeout)
    }

    /// Returns the bytes that a call decides by.
    private func current(_ route: inout Route) async throws(StorageError) -> [UInt8]? {
        while true {
            do { return try await route.mount.driver.currentItem(route.key) } catch {
                try self.reroute(&route, after: error)
            }
        }
    }
}

extension StorageDriver {
    /// Returns the bytes that an atomic call decides by, which are never old.
    func currentItem(_ key: String) async throws(StorageError) -> [UInt8]? {
        guard self.capabilities.readsMayBeOld else { return try await self.getItem(key) }
        // An old absence would end the call. To swap nothing for nothing is a read as of now.
        switch try await self.compareAndSwapItem(key, expected: nil, replacement: nil, WriteOptions()) {
        case .swapped: return nil
        case .mismatch(let current): return current
        }
    }
}
