import KVStorage

/// A way to write an item with a lifetime.
struct TimedWrite: Sendable {
    typealias Body =
        @Sendable (_ storage: Storage, _ key: String, _ ttl: TTL) async throws -> Void

    let name: String
    /// Whether it replaces an item that is there.
    var replaces = true
    /// Writes a whole number.
    let body: Body

    /// Writes an item.
    func callAsFunction(_ storage: Storage, _ key: String, ttl: TTL) async throws {
        try await self.body(storage, key, ttl)
    }

    static let all: [TimedWrite] = [
        TimedWrite(name: "setItem") { storage, key, ttl in try await storage.setItem(key, 1, ttl: ttl) },
        TimedWrite(name: "setItemRaw") { storage, key, ttl in
            try await storage.setItemRaw(key, bytes("1"), ttl: ttl)
        },
        TimedWrite(name: "setItems") { storage, key, ttl in try await storage.setItems([(key, 1)], ttl: ttl) },
        TimedWrite(name: "setItemsRaw") { storage, key, ttl in
            try await storage.setItemsRaw([(key, bytes("1"))], ttl: ttl)
        },
        TimedWrite(name: "setItemIfAbsent", replaces: false) { storage, key, ttl in
            let isStored = try await storage.setItem(key, 1, ttl: ttl, ifAbsent: true)
            try expect(isStored, "an item stored where there is none")
        },
        TimedWrite(name: "updateItemDefault") { storage, key, ttl in
            try await storage.updateItem(key, default: 0, ttl: ttl) { $0 += 1 }
        },
        TimedWrite(name: "updateItem") { storage, key, ttl in
            try await storage.updateItem(key, as: Int.self, ttl: ttl) { $0 = ($0 ?? 0) + 1 }
        },
        TimedWrite(name: "compareAndSwapItem") { storage, key, ttl in
            let current = try await storage.getItemRaw(key)
            let isSwapped = try await storage.compareAndSwapItem(
                key,
                expected: current,
                replacement: bytes("1"),
                ttl: ttl
            )
            try expect(isSwapped, "a swap of what was just read")
        },
        TimedWrite(name: "incrementItem") { storage, key, ttl in
            try await storage.incrementItem(key, ttl: ttl)
        },
    ]
}
