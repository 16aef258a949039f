import KVStorage

extension Behavior {
    /// Promises 2 and 4: copying items out and in.
    static let snapshots: [Behavior] = [
        Behavior(
            "snapshots.roundTrip", promise: 2,
            "A snapshot holds every item below its base, byte for byte, and restores it."
        ) { store in
            let storage = store.storage
            let keys = AwkwardKeys.all
            for (number, key) in keys.enumerated() {
                try await storage.setItemRaw("from:\(key)", [UInt8(number % 256), 0, 255])
            }
            try await storage.setItemRaw("from:empty value", [])
            for key in ["from", "fromage:x"] { try await storage.setItem(key, "beside") }
            let snapshot = try await storage.snapshot("from")
            try expectKeys(
                snapshot.items.map(\.key), keys + ["empty value"], "the keys of the snapshot, relative to its base")
            try await storage.restoreSnapshot(snapshot, to: "to")
            for (number, key) in keys.enumerated() {
                let value = try await storage.getItemRaw("to:\(key)")
                try expectEqual(value, [UInt8(number % 256), 0, 255], "the item \(key.debugDescription)")
            }
            try expectEqual(try await storage.getItemRaw("to:empty value"), [], "the empty item")
            try expectEqual(try await storage.getKeys("to").count, keys.count + 1, "the number of restored items")
            try expectEqual(try await storage.hasItem("to"), false, "an item at the base itself")
        },
        Behavior(
            "snapshots.lifetimes", promise: 4, "A snapshot keeps deadlines, and so does restoring, whenever it is.",
            movesClock: true
        ) {
            store in
            let storage = store.storage
            try await storage.setItem("from:a", 1, ttl: .seconds(60))
            try await storage.setItem("from:b", 2, ttl: .seconds(10))
            try await storage.setItem("from:c", 3)
            store.clock.advance(by: .seconds(10))
            let snapshot = try await storage.snapshot("from")
            try expectKeys(snapshot.items.map(\.key), ["a", "c"], "the keys of the snapshot")
            try expectEqual(
                snapshot.items.first { $0.key == "a" }?.deadline, store.clock.now.advanced(by: .seconds(50)),
                "the deadline")
            store.clock.advance(by: .seconds(20))
            try await storage.restoreSnapshot(snapshot, to: "to")
            try expectEqual(try await storage.getMeta("to:a")?.ttl, .seconds(30), "what remains after restoring")
            try expectEqual(try await storage.getMeta("to:c")?.ttl, nil, "what remains of forever")
            store.clock.advance(by: .seconds(30))
            try expectKeys(try await storage.getKeys(), ["from:c", "to:c"], "the keys")
            try await storage.restoreSnapshot(snapshot, to: "late")
            try expectKeys(try await storage.getKeys("late"), ["late:c"], "the keys restored after the deadline")
        },
        Behavior(
            "snapshots.metadata",
            promise: 7,
            "A snapshot keeps custom metadata.",
            requires: { $0.isWritable && $0.contains(.customMetadata) }
        ) { store in
            let storage = store.storage
            try await storage.setItem("from:a", 1)
            try await storage.setMeta("from:a", ["note": "kept"])
            try await storage.setItem("from:b", 2)
            let snapshot = try await storage.snapshot("from")
            try await storage.setItem("to:b", 3)
            try await storage.setMeta("to:b", ["note": "of an item that is replaced"])
            try await storage.restoreSnapshot(snapshot, to: "to")
            let fields: [String: String]? = try await storage.getMeta("to:a")?.fields()
            try expectEqual(fields, ["note": "kept"], "the fields")
            try expectEqual(try await storage.getMeta("to:b")?.fieldBytes, nil, "the fields of an item that had none")
        },
        Behavior("snapshots.overwrites", promise: 2, "Restoring replaces items of the same keys and leaves all others.")
        { store in
            let storage = store.storage
            for key in ["a:x", "a:y"] { try await storage.setItem(key, "old") }
            let snapshot = try await storage.snapshot("a")
            try await storage.setItem("a:x", "new", ttl: .seconds(60))
            try await storage.setItem("a:z", "other")
            try await storage.removeItem("a:y")
            try await storage.restoreSnapshot(snapshot, to: "/a/")
            let values = try await storage.getItems(["a:x", "a:y", "a:z"], as: String.self)
            try expectEqual(values, ["old", "old", "other"], "the values")
            try expectEqual(try await storage.getMeta("a:x")?.ttl, nil, "what remains of the replaced item")
        },
        Behavior(
            "snapshots.copyIntoItself", promise: 13,
            "A copy into a branch of its own source is refused with invalidOption, and nothing is written."
        ) { store in
            let storage = store.storage
            for number in 0..<20 { try await storage.setItem("a:k\(number)", number) }
            let keys = try await storage.getKeys()
            let copies: [(base: String, source: Storage, target: Storage)] = [
                ("", storage, storage.prefixed("backup")), ("a", storage, storage.prefixed("a:b")),
                ("", storage.prefixed("a"), storage.prefixed("a:b")), ("", storage, storage),
                ("a", storage, storage.prefixed("a")),
            ]
            for (number, (base, source, target)) in copies.enumerated() {
                try await expectThrows(.invalidOption, "copy \(number) of \(base.debugDescription) into itself") {
                    try await source.copy(base, to: target)
                }
            }
            try expectKeys(try await storage.getKeys(), keys, "the keys")
            // Keys that only begin alike are beside each other.
            try expectEqual(
                try await storage.copy("a", to: storage.prefixed("ab")), 20, "the items copied beside the source")
            try expectEqual(try await storage.getItem("ab:k7"), 7, "one of them")
        },
        Behavior("snapshots.copy", promise: 2, "copy writes every item to another storage, page by page.") { store in
            let target = Storage()
            try await store.storage.setItems((0..<1200).map { ("c:\($0)", $0) })
            try await store.storage.setItem("d", 1)
            let copied = try await store.storage.copy("c", to: target.prefixed("copy"))
            try expectEqual(copied, 1200, "the number of items copied")
            try expectEqual(try await target.getKeys().count, 1200, "the number of items there")
            try expectEqual(try await target.getItem("copy:1199"), 1199, "one of them")
            let back = try await target.copy("copy", to: store.storage.prefixed("back"))
            try expectEqual(back, 1200, "the number of items copied back")
            try expectEqual(try await store.storage.getItem("back:0"), 0, "one of them")
        },
    ]
}
