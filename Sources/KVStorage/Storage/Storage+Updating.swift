extension Storage {
    /// Reads the item, lets the body change it, and writes it back, as one step that no other write can come between.
    ///
    /// An absent item starts as `default`. If another write came between, the body runs again on the new value, so it
    /// should do nothing but change it. A form of this takes a body that throws: its error
    /// passes through unchanged, and the item stays as it is.
    ///
    /// Calls that meet each other take turns, in the order in which they came, so that none starves and a body runs about
    /// once for each; between processes they try again after short pauses of random length.
    ///
    /// The item lives for `ttl`, as with ``setItem(_:_:ttl:)``; with ``TTL/keep`` an existing item keeps its deadline.
    /// - Returns: What the body returned in the run that was written.
    /// - Throws: ``StorageError/Code/conflict`` if others kept coming between for the storage's `busyTimeout` and 16 tries,
    ///   ``StorageError/Code/cancelled`` if the task was cancelled while they did.
    public func updateItem<Value: Codable, Result>(
        _ key: String,
        default defaultValue: @autoclosure () -> Value,
        ttl: TTL = .default,
        _ body: (inout Value) -> Result
    ) async throws(StorageError) -> Result {
        var update = try await ItemUpdate(self, key, ttl)
        defer { update.end() }
        while true {
            var value = try update.value(Value.self) ?? defaultValue()
            let result = body(&value)
            if try await update.write(value) { return result }
        }
    }

    /// Does the same by a body that may throw, which passes through unchanged; the item stays as it is then.
    @_disfavoredOverload
    public func updateItem<Value: Codable, Result, Failure: Error>(
        _ key: String,
        default defaultValue: @autoclosure () -> Value,
        ttl: TTL = .default,
        _ body: (inout Value) throws(Failure) -> Result
    ) async throws -> Result {
        var update = try await ItemUpdate(self, key, ttl)
        defer { update.end() }
        while true {
            var value = try update.value(Value.self) ?? defaultValue()
            let result = try body(&value)
            if try await update.write(value) { return result }
        }
    }

    /// Reads the item, lets the body change, create or remove it, and writes that back, as one step.
    ///
    /// The body is given `nil` for an absent item and leaves `nil` to have none. All else is as with
    /// `updateItem`.
    public func updateItem<Value: Codable, Result>(
        _ key: String,
        as type: Value.Type = Value.self,
        ttl: TTL = .default,
        _ body: (inout Value?) -> Result
    ) async throws(StorageError) -> Result {
        var update = try await ItemUpdate(self, key, ttl)
        defer { update.end() }
        while true {
            var value = try update.value(type)
            let result = body(&value)
            if try await update.write(value) { return result }
        }
    }

    /// Does the same by a body that may throw, which passes through unchanged; the item stays as it is then.
    @_disfavoredOverload
    public func updateItem<Value: Codable, Result, Failure: Error>(
        _ key: String,
        as type: Value.Type = Value.self,
        ttl: TTL = .default,
        _ body: (inout Value?) throws(Failure) -> Result
    ) async throws -> Result {
        var update = try await ItemUpdate(self, key, ttl)
        defer { update.end() }
        while true {
            var value = try update.value(type)
            let result = try body(&value)
            if try await update.write(value) { return result }
        }
    }

    /// Returns the item's value and removes the item, as one step: of several callers exactly one gets it.
    ///
    /// - Throws: ``StorageError/Code/decoding`` if the bytes are not of that type; the item stays. Else as
    ///   `updateItem`.
    public func takeItem<Value: Decodable>(
        _ key: String,
        as type: Value.Type = Value.self
    ) async throws(StorageError) -> Value? {
        var update = try await ItemUpdate(self, key, .default)
        defer { update.end() }
        // Decoded before it is removed, so that a value of another type is not lost.
        while let value = try update.value(type) {
            if try await update.remove() { return value }
        }
        return nil
    }

    func turn(_ route: Route) -> SwapTurn {
        SwapTurn(self.core.queues, route, limit: self.core.busyTimeout)
    }
}

extension StorageDriver {
    /// Returns the bytes that an atomic call decides by, which are never old.
    func currentItem(_ key: String) async throws(StorageError) -> [UInt8]? {
        guard self.capabilities.contains(.readsMayBeOld) else { return try await self.getItem(key) }
        // An old absence would end the call. To swap nothing for nothing is a read as of now.
        switch try await self.compareAndSwapItem(key, expected: nil, replacement: nil, WriteOptions()) {
        case .swapped: return nil
        case .mismatch(let current): return current
        }
    }
}
