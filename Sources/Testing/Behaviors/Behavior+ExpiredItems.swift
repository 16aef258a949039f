import KVStorage

extension Behavior {
    /// Promise 4: from its deadline on an item is absent to every call.
    static let expiredItems: [Behavior] = [
        expired("hasItem") { storage in try expectEqual(try await storage.hasItem("k"), false, "hasItem") },
        expired("getItem") { storage in try expectEqual(try await storage.getItem("k", as: Int.self), nil, "getItem") },
        expired("getItemRaw") { storage in try expectEqual(try await storage.getItemRaw("k"), nil, "getItemRaw") },
        expired("getItems") { storage in
            try expectEqual(try await storage.getItems(["k", "other", "k"], as: Int.self), [nil, 2, nil], "getItems")
        },
        expired("getKeys") { storage in
            try expectKeys(try await storage.getKeys(), ["other"], "getKeys")
            try expectKeys(try await storage.getKeys("", maxDepth: 0), ["other"], "getKeys to a depth")
        },
        expired("keys") { storage in
            var keys: [String] = []
            for try await key in storage.keys(in: "", pageSize: 1) { keys.append(key) }
            try expectKeys(keys, ["other"], "keys(in:)")
        },
        expired("items") { storage in
            var items: [String: Int] = [:]
            for try await (key, value) in storage.items(as: Int.self) { items[key] = value }
            try expectEqual(items, ["other": 2], "items(in:)")
        },
        expired("getMeta") { storage in try expectEqual(try await storage.getMeta("k"), nil, "getMeta") },
        expired("removeItem") { storage in try expectEqual(try await storage.removeItem("k"), false, "removeItem") },
        expired("removeItems") { storage in
            try expectEqual(try await storage.removeItems(["k", "other"]), 1, "removeItems")
        },
        expired("clear") { storage in try expectEqual(try await storage.clear(), 1, "clear") },
        expired("touchItem") { storage in
            try expectEqual(try await storage.touchItem("k", ttl: .forever), false, "touchItem")
            try expectEqual(try await storage.hasItem("k"), false, "the item after it was touched")
        },
        expired("takeItem") { storage in
            try expectEqual(try await storage.takeItem("k", as: Int.self), nil, "takeItem")
            try expectEqual(try await storage.takeItemRaw("k"), nil, "takeItemRaw")
        },
        expired("compareAndSwapItem") { storage in
            let mistaken = try await storage.compareAndSwapItem("k", expected: bytes("1"), replacement: bytes("9"))
            try expectEqual(mistaken, false, "a swap that expects the expired value")
            let removed = try await storage.compareAndSwapItem("k", expected: bytes("1"), replacement: nil)
            try expectEqual(removed, false, "a removal that expects the expired value")
            let created = try await storage.compareAndSwapItem("k", expected: nil, replacement: bytes("9"))
            try expectEqual(created, true, "a swap that expects no item")
            try expectEqual(try await storage.getItem("k"), 9, "the item")
        },
        expired("setItemIfAbsent") { storage in
            try expectEqual(try await storage.setItem("k", 9, ifAbsent: true), true, "setItem(ifAbsent:)")
            try expectEqual(try await storage.getItem("k"), 9, "the item")
        },
        expired("incrementItem") { storage in
            try expectEqual(try await storage.incrementItem("k", by: 10), 10, "the sum, begun at 0")
        },
        expired("updateItem") { storage in
            let seen = try await storage.updateItem("k", as: Int.self) { value in
                defer { value = 9 }
                return value
            }
            try expectEqual(seen, nil, "what the update was given")
            try await storage.removeItem("k")
        },
        expired("updateItemDefault") { storage in
            try expectEqual(try await storage.updateItem("k", default: 100) { $0 }, 100, "what the update was given")
        },
        expired("keepTTL") { storage in
            try expectEqual(try await storage.incrementItem("k", ttl: .keep), 1, "the sum, begun at 0")
            try expectEqual(
                try await storage.getMeta("k")?.ttl, nil, "what remains: the old limit is gone with the item")
        },
        expired("setMeta", requires: { $0.isWritable && $0.contains(.customMetadata) }) { storage in
            try expectEqual(try await storage.setMeta("k", ["a": 1]), false, "setMeta")
            try expectEqual(try await storage.removeMeta("k"), false, "removeMeta")
            try expectEqual(try await storage.getMeta("k"), nil, "getMeta")
        },
        expired("snapshot") { storage in
            try expectEqual(try await storage.snapshot().items.map(\.key), ["other"], "the keys of the snapshot")
        },
    ]

    /// Returns a behaviour that begins with an item `k` that has expired beside one that has not.
    ///
    /// The clock is moved twice: to the deadline, where the driver may not have swept yet, and far beyond, where it may have.
    private static func expired(
        _ call: String,
        requires: @escaping @Sendable (Capabilities) -> Bool = { $0.isWritable },
        _ body: @escaping @Sendable (Storage) async throws -> Void
    ) -> Behavior {
        Behavior(
            "expired.\(call)",
            promise: 4,
            "From the deadline on the item is absent to \(call).",
            movesClock: true,
            requires: requires
        ) { store in
            for wait in [Duration.seconds(60), .seconds(600)] {
                try await store.storage.clear()
                try await store.storage.setItem("k", 1, ttl: .seconds(60))
                try await store.storage.setItem("other", 2)
                store.clock.advance(by: wait)
                try await body(store.storage)
            }
        }
    }
}
