extension Storage {
    /// Replaces the item's bytes if they are `expected`, as one step, and returns whether it did.
    ///
    /// `expected: nil` means that there must be no item, `replacement: nil` removes it. Lifetimes are those of
    /// `updateItem`.
    public func compareAndSwapItem(
        _ key: String,
        expected: [UInt8]?,
        replacement: [UInt8]?,
        ttl: TTL = .default
    ) async throws(StorageError) -> Bool {
        let route = try self.route(key)
        try ttl.validate()
        return try await self.compareAndSwap(route, expected, replacement, ttl) == .swapped
    }

    /// Returns the item's bytes and removes the item, as one step: of several callers exactly one gets them.
    public func takeItemRaw(_ key: String) async throws(StorageError) -> [UInt8]? {
        let route = try self.route(key)
        var turn = self.turn(route)
        defer { turn.end() }
        try await turn.begin()
        do { return try await route.mount.takeItem(route.key) } catch {
            return try await self.again(route, after: error) { mount, key throws(StorageError) in
                try await mount.takeItem(key)
            }
        }
    }

    /// Adds to the whole number that the item holds, as one step, and returns the sum; an absent item counts as 0.
    ///
    /// The number stands as decimal text, as JSON writes it. Lifetimes are those of
    /// `updateItem`: with ``TTL/keep`` a counter ends when it was first meant to.
    /// - Throws: ``StorageError/Code/decoding`` if the item is no 64-bit integer, ``StorageError/Code/overflow`` if the sum
    ///   would be none; the item stays.
    @discardableResult
    public func incrementItem(
        _ key: String,
        by amount: Int = 1,
        ttl: TTL = .default
    ) async throws(StorageError) -> Int {
        let route = try self.route(key)
        try ttl.validate()
        var turn = self.turn(route)
        defer { turn.end() }
        try await turn.begin()
        do { return try await route.mount.incrementItem(route.key, by: amount, ttl) } catch {
            return try await self.again(route, after: error) { mount, key throws(StorageError) in
                try await mount.incrementItem(key, by: amount, ttl)
            }
        }
    }

    /// Gives the item a new lifetime and returns whether it was there; the value is untouched.
    ///
    /// An absent item is not created. ``TTL/keep`` changes nothing.
    @discardableResult
    public func touchItem(_ key: String, ttl: TTL) async throws(StorageError) -> Bool {
        let route = try self.route(key)
        try ttl.validate()
        if ttl.keepsDeadline { return try await self.hasItem(key) }
        do { return try await route.mount.touchItem(route.key, ttl) } catch {
            return try await self.again(route, after: error) { mount, key throws(StorageError) in
                try await mount.touchItem(key, ttl)
            }
        }
    }

    func compareAndSwap(
        _ route: Route,
        _ expected: [UInt8]?,
        _ replacement: [UInt8]?,
        _ ttl: TTL = .default
    ) async throws(StorageError) -> CompareAndSwapResult {
        do {
            return try await route.mount.compareAndSwapItem(
                route.key, expected: expected, replacement: replacement, ttl)
        } catch {
            return try await self.again(route, after: error) { mount, key throws(StorageError) in
                try await mount.compareAndSwapItem(key, expected: expected, replacement: replacement, ttl)
            }
        }
    }
}
