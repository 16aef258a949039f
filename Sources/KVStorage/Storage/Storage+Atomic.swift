extension Storage {
    /// Replaces the item's bytes if they are `expected`, as one step, and returns whether it did.
    ///
    /// `expected: nil` means that there must be no item, `replacement: nil` removes it. Lifetimes are those of
    /// ``updateItem(_:default:ttl:keepTTL:_:)``.
    public func compareAndSwapItem(
        _ key: String,
        expected: [UInt8]?,
        replacement: [UInt8]?,
        ttl: Duration? = nil,
        keepTTL: Bool = false
    ) async throws(StorageError) -> Bool {
        var route = try self.route(key)
        try Self.validate(ttl: ttl)
        return try await self.compareAndSwap(&route, expected, replacement, ttl: ttl, keepTTL: keepTTL) == .swapped
    }

    /// Returns the item's bytes and removes the item, as one step: of several callers exactly one gets them.
    public func takeItemRaw(_ key: String) async throws(StorageError) -> [UInt8]? {
        var route = try self.route(key)
        var turn = self.turn(route)
        defer { turn.end() }
        try await turn.begin()
        while true {
            let ticket = route.mount.beginWrite(route.key)
            do {
                let bytes = try await route.mount.driver.takeItem(route.key)
                route.mount.endWrite(ticket, bytes == nil ? nil : .remove(route.key))
                return bytes
            } catch {
                route.mount.endWrite(ticket, failed: error)
                try self.reroute(&route, after: error)
            }
        }
    }

    /// Adds to the whole number that the item holds, as one step, and returns the sum; an absent item counts as 0.
    ///
    /// The number stands as decimal text, as JSON writes it. Lifetimes are those of
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
        var route = try self.route(key)
        try Self.validate(ttl: ttl)
        var turn = self.turn(route)
        defer { turn.end() }
        try await turn.begin()
        while true {
            let ticket = route.mount.beginWrite(route.key)
            do {
                let options = route.mount.options(ttl: ttl, keepTTL: keepTTL)
                let sum = try await route.mount.driver.incrementItem(route.key, by: amount, options)
                route.mount.endWrite(ticket, .update(route.key))
                return sum
            } catch {
                route.mount.endWrite(ticket, failed: error)
                try self.reroute(&route, after: error)
            }
        }
    }

    /// Gives the item a new lifetime from now on and returns whether it was there; the value is untouched.
    ///
    /// `nil` means forever, whatever the mount's default. An absent item is not created.
    @discardableResult
    public func touchItem(_ key: String, ttl: Duration?) async throws(StorageError) -> Bool {
        var route = try self.route(key)
        try Self.validate(ttl: ttl)
        while true {
            let ticket = route.mount.beginWrite(route.key)
            do {
                let touched = try await route.mount.driver.touchItem(route.key, ttl: ttl)
                route.mount.endWrite(ticket, touched ? .update(route.key) : nil)
                return touched
            } catch {
                route.mount.endWrite(ticket, failed: error)
                try self.reroute(&route, after: error)
            }
        }
    }

    /// Swaps, by the mount's lifetime where none is given.
    func compareAndSwap(
        _ route: inout Route,
        _ expected: [UInt8]?,
        _ replacement: [UInt8]?,
        ttl: Duration? = nil,
        keepTTL: Bool = false
    ) async throws(StorageError) -> CompareAndSwapResult {
        while true {
            let ticket = route.mount.beginWrite(route.key)
            do {
                let result = try await route.mount.driver.compareAndSwapItem(
                    route.key,
                    expected: expected,
                    replacement: replacement,
                    route.mount.options(ttl: ttl, keepTTL: keepTTL)
                )
                route.mount.endWrite(ticket, Self.event(of: result, expected, replacement, route.key))
                return result
            } catch {
                route.mount.endWrite(ticket, failed: error)
                try self.reroute(&route, after: error)
            }
        }
    }

    private static func event(
        of result: CompareAndSwapResult,
        _ expected: [UInt8]?,
        _ replacement: [UInt8]?,
        _ key: String
    ) -> StorageEvent? {
        guard result == .swapped else { return nil }
        if replacement != nil { return .update(key) }
        return expected == nil ? nil : .remove(key)
    }
}
