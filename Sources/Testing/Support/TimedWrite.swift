import KVStorage

/// A way to write an item with a lifetime.
struct TimedWrite: Sendable {
    typealias Body =
        @Sendable (_ storage: Storage, _ key: String, _ ttl: Duration?, _ keepTTL: Bool) async throws -> Void

    let name: String
    /// Whether it replaces an item that is there.
    var replaces = true
    /// Whether it can leave an existing item its deadline.
    var keeps = false
    /// Writes a whole number.
    let body: Body

    /// Writes an item; with `keepTTL` only where the call has such an option.
    func callAsFunction(
        _ storage: Storage,
        _ key: String,
        ttl: Duration?,
        keepTTL: Bool = false
    ) async throws {
        try await self.body(storage, key, ttl, keepTTL)
    }

    static let all: [TimedWrite] = [
        TimedWrite(name: "setItem") { storage, key, ttl, _ in try await storage.setItem(key, 1, ttl: ttl) },
        TimedWrite(name: "setItemRaw") { storage, key, ttl, _ in
            try await storage.setItemRaw(key, bytes("1"), ttl: ttl)
        },
        TimedWrite(name: "setItems") { storage, key, ttl, _ in try await storage.setItems([(key, 1)], ttl: ttl) },
        TimedWrite(name: "setItemsRaw") { storage, key, ttl, _ in
            try await storage.setItemsRaw([(key, bytes("1"))], ttl: ttl)
        },
        TimedWrite(name: "setItemIfAbsent", replaces: false) { storage, key, ttl, _ in
            let isStored = try await storage.setItem(key, 1, ttl: ttl, ifAbsent: true)
            try expect(isStored, "an item stored where there is none")
        },
        TimedWrite(name: "updateItemDefault", keeps: true) { storage, key, ttl, keepTTL in
            try await storage.updateItem(key, default: 0, ttl: ttl, keepTTL: keepTTL) { $0 += 1 }
        },
        TimedWrite(name: "updateItem", keeps: true) { storage, key, ttl, keepTTL in
            try await storage.updateItem(key, as: Int.self, ttl: ttl, keepTTL: keepTTL) { $0 = ($0 ?? 0) + 1 }
        },
        TimedWrite(name: "compareAndSwapItem", keeps: true) { storage, key, ttl, keepTTL in
            let current = try await storage.getItemRaw(key)
            let isSwapped = try await storage.compareAndSwapItem(
                key,
                expected: current,
                replacement: bytes("1"),
                ttl: ttl,
                keepTTL: keepTTL
            )
            try expect(isSwapped, "a swap of what was just read")
        },
        TimedWrite(name: "incrementItem", keeps: true) { storage, key, ttl, keepTTL in
            try await storage.incrementItem(key, ttl: ttl, keepTTL: keepTTL)
        },
    ]
}
