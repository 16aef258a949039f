import KVStorage

/// Promises 1, 5 and 6: what other programs put into the medium.
///
/// A driver may list such a thing, if a key leads to it, or leave it alone as somebody else's. What it may not do is list what
/// no call can reach, or touch what it does not list.
extension Behavior {
    static let planted: [Behavior] = [
        planted("readBack", 1, "Whatever is listed can be read by the name that it is listed under.") { store, _ in
            for key in try await listed(store) {
                let name = key.debugDescription
                let value = try await store.storage.getItemRaw(key)
                try expect(value != nil, "an item by the name that it is listed under, \(name), got none")
                try expectEqual(try await store.storage.hasItem(key), true, "hasItem(\(name)), which is listed")
                try expectEqual(try await store.storage.getItemsRaw([key]), [value], "getItems of \(name)")
                try expect(
                    try await store.storage.getMeta(key) != nil, "metadata of \(name), which is listed, got none")
            }
            try await expectOwn(store)
        },
        planted("remove", 1, "Whatever is listed can be removed by the name that it is listed under, and only that is.")
        {
            store, names in
            let before = try await names.remaining(store)
            let foreign = try await listed(before.store).filter { !isOwn($0) }
            for key in foreign {
                let removed = try await before.store.storage.removeItem(key)
                try expectEqual(removed, true, "removing \(key.debugDescription), which is listed")
                try expectEqual(
                    try await before.store.storage.hasItem(key), false, "hasItem(\(key.debugDescription)) afterwards")
            }
            try await expectOwn(before.store)
            try expectKeys(try await listed(before.store), own, "the keys in the end")
            let after = try await names.remaining(before.store)
            try expectEqual(
                after.count, before.count - foreign.count, "how many of \(before.count) planted things are left")
        },
        planted("pages", 5, "Pages of any size list the same, each key once, and end.") { store, _ in
            let keys = try await listed(store)
            try expectKeys(keys, once(keys), "the keys")
            for size in [1, 2, 3, 5, 1000] {
                let paged = try await collect(store.storage, pageSize: size, atMost: 1000)
                try expectKeys(paged, keys, "the keys by pages of \(size)")
            }
            for base in ["own", "own:b", "users"] {
                let below = keys.filter { keyHasPrefix($0, "\(base):") }
                let paged = try await collect(store.storage, base, pageSize: 1, atMost: 1000)
                try expectKeys(paged, below, "the keys below \(base) by pages of 1")
            }
            let shallow = try await collect(store.storage, pageSize: 1, maxDepth: 0, atMost: 1000)
            try expectKeys(shallow, keys.filter { keyDepth($0) == 0 }, "the keys to depth 0 by pages of 1")
        },
        planted("clear", 6, "clear removes what is listed and leaves everything else in the medium alone.") {
            store, names in
            let before = try await names.remaining(store)
            let keys = try await listed(before.store)
            try expectEqual(try await before.store.storage.clear(), keys.count, "what clear counts")
            try expectKeys(try await listed(before.store), [], "the keys after clear")
            let after = try await names.remaining(before.store)
            let foreign = keys.filter { !isOwn($0) }
            try expectEqual(
                after.count, before.count - foreign.count,
                "how many of \(before.count) planted things are left by clear")
        },
        planted("snapshot", 2, "A snapshot and a copy hold everything that is listed.") { store, _ in
            let keys = try await listed(store)
            let snapshot = try await store.storage.snapshot()
            try expectKeys(snapshot.items.map(\.key), keys, "the keys of the snapshot")
            let restored = Storage()
            try await restored.restoreSnapshot(snapshot)
            try expectKeys(try await restored.getKeys(), keys, "the keys after restoring it")
            let copy = Storage()
            try expectEqual(try await store.storage.copy(to: copy), keys.count, "the number of items copied")
            for key in keys {
                let value = try await store.storage.getItemRaw(key)
                try expectEqual(try await restored.getItemRaw(key), value, "\(key.debugDescription), restored")
                try expectEqual(try await copy.getItemRaw(key), value, "\(key.debugDescription), copied")
            }
        },
        planted("sweep", 4, "What others put into the medium does not keep expired items from leaving it.", true) {
            store, _ in
            let keys = try await listed(store)
            try await store.storage.setItem("own:short", 1, ttl: .seconds(60))
            store.clock.advance(by: .seconds(60))
            try expectKeys(try await listed(store), keys, "the keys after the deadline")
            // Another one: the first may have left the medium already, before anybody watched.
            try await store.storage.setItem("own:swept", 1, ttl: .seconds(60))
            try await gone(store, ["own:swept"], after: .seconds(60))
        },
    ]

    private static let own = ["own", "own:a", "own:b:c", "a", "k", "users", "users:a", "users:a:b", "zz"]

    private static func isOwn(_ key: String) -> Bool {
        self.own.contains { keysEqual($0, key) }
    }

    private static func planted(
        _ name: String,
        _ promise: Int,
        _ sentence: String,
        _ movesClock: Bool = false,
        _ body: @escaping @Sendable (ConformanceStore, Names) async throws -> Void
    ) -> Behavior {
        Behavior(
            "planted.\(name)",
            promise: promise,
            sentence,
            scope: .driver,
            movesClock: movesClock,
            needs: [.planting],
            limit: .seconds(60)
        ) { store in
            for key in own { try await store.storage.setItemRaw(key, bytes("own \(key)")) }
            let (store, planted) = try await store.plant()
            try await body(store, Names(planted: planted))
        }
    }

    private struct Names: Sendable {
        let planted: PlantedNames

        func remaining(_ store: ConformanceStore) async throws -> (store: ConformanceStore, count: Int) {
            try await store.count(self.planted)
        }
    }

    private static func listed(_ store: ConformanceStore) async throws -> [String] {
        try await collect(store.storage, atMost: 1000)
    }

    private static func expectOwn(_ store: ConformanceStore) async throws {
        for key in self.own {
            let value = try await store.storage.getItemRaw(key)
            try expectEqual(value, bytes("own \(key)"), "the driver's own item \(key)")
        }
    }
}
