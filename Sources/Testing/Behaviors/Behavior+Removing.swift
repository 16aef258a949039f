import KVStorage

extension Behavior {
    /// Promise 7: removing items.
    static let removing: [Behavior] = [
        Behavior(
            "removing.tells", promise: 7, "Removing tells whether the item was there, and succeeds when it was not."
        ) { store in
            try expectEqual(try await store.storage.removeItem("k"), false, "removing what never was")
            try await store.storage.setItem("k", 1)
            try await store.storage.setItem("k:below", 2)
            try expectEqual(try await store.storage.removeItem("k"), true, "removing what is there")
            try expectEqual(try await store.storage.removeItem("k"), false, "removing it again")
            try expectEqual(try await store.storage.removeItem("k:bel"), false, "removing a part of a name")
            try expectEqual(try await store.storage.getItem("k:below"), 2, "the item below")
        },
        Behavior("removing.absent", promise: 7, "A removed item is absent to every call.") { store in
            let storage = store.storage
            for key in ["k", "other"] { try await storage.setItem(key, 1) }
            try await storage.removeItem("k")
            try expectEqual(try await storage.hasItem("k"), false, "hasItem")
            try expectEqual(try await storage.getItem("k", as: Int.self), nil, "getItem")
            try expectEqual(try await storage.getItems(["k", "other"], as: Int.self), [nil, 1], "getItems")
            try expectEqual(try await storage.getMeta("k"), nil, "getMeta")
            try expectKeys(try await storage.getKeys(), ["other"], "the keys")
            try expectEqual(try await storage.touchItem("k", ttl: .forever), false, "touchItem")
            try expectEqual(try await storage.takeItem("k", as: Int.self), nil, "takeItem")
            let swapped = try await storage.compareAndSwapItem("k", expected: bytes("1"), replacement: bytes("2"))
            try expectEqual(swapped, false, "a swap that expects the removed value")
            try expectEqual(try await storage.incrementItem("k"), 1, "incrementItem, begun at 0")
        },
        removal("removeItem") { storage, key in try await storage.removeItem(key) },
        removal("removeItems") { storage, key in try await storage.removeItems([key]) },
        removal("setNil") { storage, key in try await storage.setItem(key, nil as Int?) },
        removal("updateToNil") { storage, key in try await storage.updateItem(key, as: Int.self) { $0 = nil } },
        removal("compareAndSwapItem") { storage, key in
            let removed = try await storage.compareAndSwapItem(key, expected: bytes("1"), replacement: nil)
            try expect(removed, "the item removed by a swap")
        },
        removal("takeItem") { storage, key in
            try expectEqual(try await storage.takeItem(key), 1, "what was taken")
        },
        removal("takeItemRaw") { storage, key in
            try expectEqual(try await storage.takeItemRaw(key), bytes("1"), "what was taken")
        },
        removal("clear") { storage, _ in try await storage.clear("a") },
    ]

    /// Returns a behaviour that removes an item in one way and looks that nothing of it is left, also when it is made anew.
    private static func removal(
        _ name: String,
        _ remove: @escaping @Sendable (Storage, String) async throws -> Void
    ) -> Behavior {
        Behavior(
            "removing.\(name)",
            promise: 7,
            "Removing an item by \(name) removes its metadata and its lifetime with it.",
            movesClock: true
        ) { store in
            try await store.storage.setItem("a:k", 1, ttl: .seconds(60))
            try await store.storage.setItem("b", 1)
            if store.capabilities.contains(.customMetadata) { try await store.storage.setMeta("a:k", ["note": "old"]) }
            try await remove(store.storage, "a:k")
            try expectEqual(try await store.storage.hasItem("a:k"), false, "hasItem")
            try expectEqual(try await store.storage.getMeta("a:k"), nil, "getMeta")
            try expectKeys(try await store.storage.getKeys(), ["b"], "the keys")
            try await store.storage.setItem("a:k", 2)
            let meta = try await store.storage.getMeta("a:k")
            try expectEqual(meta?.fieldBytes, nil, "the fields of the item made anew")
            try expectEqual(meta?.ttl, nil, "the lifetime of the item made anew")
            store.clock.advance(by: .seconds(600))
            try expectEqual(try await store.storage.getItem("a:k"), 2, "the item made anew, past the old deadline")
        }
    }
}
