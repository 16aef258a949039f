extension Storage {
    /// Reads the item, lets the body change it, and writes it back, as one step that no other write can come between.
    ///
    /// An absent item starts as `default`. If another write came between, the body runs again on the new value, so it
    /// should do nothing but change it. What the body throws passes through unchanged, and the item stays as it is.
    ///
    /// The item lives for `ttl` from now on, as with ``setItem(_:_:ttl:keepTTL:)``; with `keepTTL` an existing item keeps its
    /// deadline, and `ttl` only counts for one that is created.
    /// - Returns: What the body returned in the run that was written.
    /// - Throws: ``StorageError``, whatever the body throws, or `CancellationError` if the task is cancelled while others
    ///   keep coming between; the item stays then.
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
        let route = try self.route(key)
        try Self.validate(ttl: ttl)
        let options = route.mount.options(ttl: ttl, keepTTL: keepTTL)
        var current = try await self.current(route)
        while true {
            var value = try current.map { try self.values.decode(Value.self, from: $0, key: route.name) }
            let result = try body(&value)
            let replacement = try value.map { try self.values.encode($0, key: route.name) }
            if current == nil, replacement == nil { return result }
            switch try await self.compareAndSwap(route, current, replacement, options) {
            case .swapped: return result
            case .mismatch(let other): current = other
            }
            try Task.checkCancellation()
        }
    }

    /// Replaces the item's bytes if they are `expected`, as one step, and returns whether it did.
    ///
    /// `expected: nil` means that there must be no item, `replacement: nil` removes it. Life times are those of
    /// ``updateItem(_:default:ttl:keepTTL:_:)``.
    public func compareAndSwapItem(
        _ key: String,
        expected: [UInt8]?,
        replacement: [UInt8]?,
        ttl: Duration? = nil,
        keepTTL: Bool = false
    ) async throws(StorageError) -> Bool {
        let route = try self.route(key)
        try Self.validate(ttl: ttl)
        let options = route.mount.options(ttl: ttl, keepTTL: keepTTL)
        return try await self.compareAndSwap(route, expected, replacement, options) == .swapped
    }

    /// Returns the item's value and removes the item, as one step: of several callers exactly one gets it.
    ///
    /// - Throws: ``StorageError/Code/decoding`` if the bytes are not of that type; the item stays.
    public func takeItem<Value: Decodable>(
        _ key: String,
        as type: Value.Type = Value.self
    ) async throws(StorageError) -> Value? {
        let route = try self.route(key)
        var current = try await self.current(route)
        // Decoded before it is removed, so that a value of another type is not lost.
        while let bytes = current {
            let value = try self.values.decode(type, from: bytes, key: route.name)
            switch try await self.compareAndSwap(route, bytes, nil, WriteOptions()) {
            case .swapped: return value
            case .mismatch(let other): current = other
            }
        }
        return nil
    }

    /// Returns the item's bytes and removes the item, as one step: of several callers exactly one gets them.
    public func takeItemRaw(_ key: String) async throws(StorageError) -> [UInt8]? {
        let route = try self.route(key)
        do {
            let bytes = try await route.mount.driver.takeItem(route.key)
            if bytes != nil { route.mount.emit(.remove(route.key)) }
            return bytes
        } catch { throw error.naming(route.name) }
    }

    /// Adds to the whole number that the item holds, as one step, and returns the sum; an absent item counts as 0.
    ///
    /// The number stands as decimal text, as JSON writes it. Life times are those of
    /// ``updateItem(_:default:ttl:keepTTL:_:)``: with `keepTTL` a counter ends when it was first meant to.
    /// - Throws: ``StorageError/Code/decoding`` if the item is no 64-bit integer, ``StorageError/Code/overflow`` if the sum
    ///   would be none; the item stays.
    @discardableResult
    public func incrementItem(
        _ key: String,
        by amount: Int = 1,
        ttl: Duration? = nil,
        keepTTL: Bool = false
    ) async throws(StorageError) -> Int {
        let route = try self.route(key)
        try Self.validate(ttl: ttl)
        let options = route.mount.options(ttl: ttl, keepTTL: keepTTL)
        do {
            let sum = try await route.mount.driver.incrementItem(route.key, by: amount, options)
            route.mount.emit(.update(route.key))
            return sum
        } catch { throw error.naming(route.name) }
    }

    /// Gives the item a new life time from now on and returns whether it was there; the value is untouched.
    ///
    /// `nil` means for ever, whatever the mount's default. An absent item is not created.
    @discardableResult
    public func touchItem(_ key: String, ttl: Duration?) async throws(StorageError) -> Bool {
        let route = try self.route(key)
        try Self.validate(ttl: ttl)
        do {
            let touched = try await route.mount.driver.touchItem(route.key, ttl: ttl)
            if touched { route.mount.emit(.update(route.key)) }
            return touched
        } catch { throw error.naming(route.name) }
    }

    /// Returns the bytes that a call decides by.
    private func current(_ route: Route) async throws(StorageError) -> [UInt8]? {
        let driver = route.mount.driver
        do throws(StorageError) {
            guard driver.capabilities.readsMayBeOld else { return try await driver.getItem(route.key) }
            // An old absence would end the call. To swap nothing for nothing is a read as of now.
            switch try await driver.compareAndSwapItem(route.key, expected: nil, replacement: nil, WriteOptions()) {
            case .swapped: return nil
            case .mismatch(let current): return current
            }
        } catch {
            throw error.naming(route.name)
        }
    }

    func compareAndSwap(
        _ route: Route,
        _ expected: [UInt8]?,
        _ replacement: [UInt8]?,
        _ options: WriteOptions
    ) async throws(StorageError) -> CompareAndSwapResult {
        let result: CompareAndSwapResult
        do {
            result = try await route.mount.driver.compareAndSwapItem(
                route.key,
                expected: expected,
                replacement: replacement,
                options
            )
        } catch { throw error.naming(route.name) }
        if result == .swapped {
            if replacement != nil {
                route.mount.emit(.update(route.key))
            } else if expected != nil {
                route.mount.emit(.remove(route.key))
            }
        }
        return result
    }
}
