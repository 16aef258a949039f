/// One `updateItem` or `takeItem` on its way: reads, and writes back what was made of that, until nobody came between.
struct ItemUpdate {
    private let storage: Storage
    private let route: Storage.Route
    private let ttl: TTL
    private var turn: SwapTurn
    private var current: [UInt8]?

    /// Reads the item, having waited for the call's turn if others queue for theirs.
    init(_ storage: Storage, _ key: String, _ ttl: TTL) async throws(StorageError) {
        try ttl.validate()
        self.storage = storage
        self.ttl = ttl
        self.route = try storage.route(key)
        self.turn = SwapTurn(storage.core.queues, self.route, limit: storage.core.busyTimeout)
        do {
            try await self.turn.begin()
            try await self.read()
        } catch {
            self.turn.end()
            throw error
        }
    }

    /// Lets the next one have its turn; to be called in any case.
    mutating func end() { self.turn.end() }

    /// Returns the value as it was read last, `nil` if the item is absent.
    func value<Value: Decodable>(_ type: Value.Type) throws(StorageError) -> Value? {
        guard let current = self.current else { return nil }
        return try self.storage.values.decode(type, from: current, key: self.route.name)
    }

    /// Writes the value, or removes the item for `nil`, if the item is still what was read; else reads it again.
    mutating func write<Value: Encodable>(_ value: Value?) async throws(StorageError) -> Bool {
        guard let value else { return try await self.swap(nil) }
        return try await self.swap(try self.storage.values.encode(value, key: self.route.name))
    }

    /// Removes the item if it is still what was read; else reads it again.
    mutating func remove() async throws(StorageError) -> Bool { try await self.swap(nil) }

    private mutating func swap(_ replacement: [UInt8]?) async throws(StorageError) -> Bool {
        if self.current == nil, replacement == nil { return true }
        let result = try await self.storage.compareAndSwap(self.route, self.current, replacement, self.ttl)
        guard case .mismatch(let other) = result else { return true }
        self.current = other
        if try await self.turn.next() { try await self.read() }
        return false
    }

    private mutating func read() async throws(StorageError) {
        do { self.current = try await self.route.mount.driver.currentItem(self.route.key) } catch {
            self.current = try await self.storage.again(self.route, after: error) { mount, key throws(StorageError) in
                try await mount.driver.currentItem(key)
            }
        }
    }
}
