import KVStorage

extension Behavior {
    /// Promises 4 and 7: what is known about an item beside its value.
    static let metadata: [Behavior] = [
        Behavior("metadata.absent", promise: 7, "An absent item has no metadata.") { store in
            try expectEqual(try await store.storage.getMeta("k"), nil, "getMeta of an item that never was")
            try await store.storage.setItem("k", 1)
            try expect(try await store.storage.getMeta("k") != nil, "metadata of an item that is there")
            try await store.storage.removeItem("k")
            try expectEqual(try await store.storage.getMeta("k"), nil, "getMeta of an item that was removed")
        },
        Behavior("metadata.size", promise: 4, "getMeta tells the size in bytes, where the engine has it.") { store in
            for size in [0, 1, 1000, 3] {
                try await store.storage.setItemRaw("k", [UInt8](repeating: 7, count: size))
                try expectEqual(try await store.storage.getMeta("k")?.size ?? size, size, "the size")
            }
        },
        Behavior(
            "metadata.mtime", promise: 4, "mtime, where the engine has it, is when the value was last written.",
            movesClock: true
        ) { store in
            try await store.storage.setItem("k", 1)
            guard let first = try await store.storage.getMeta("k")?.mtime else { return }
            try expectEqual(first, store.clock.now, "the time of the first write")
            for write in TimedWrite.all where write.replaces {
                store.clock.advance(by: .seconds(5))
                try await write(store.storage, "k", ttl: .forever)
                try expectEqual(
                    try await store.storage.getMeta("k")?.mtime, store.clock.now, "the time of \(write.name)")
            }
            let last = store.clock.now
            store.clock.advance(by: .seconds(5))
            _ = try await store.storage.getItem("k", as: Int.self)
            try await store.storage.touchItem("k", ttl: .seconds(60))
            try expectEqual(
                try await store.storage.getMeta("k")?.mtime, last, "the time, as reading and touching write no value")
            if let birth = try await store.storage.getMeta("k")?.birthtime {
                try expectEqual(birth, first, "the time when the item was created")
            }
        },
        custom("fields", "Custom fields come back as they were set, each setMeta replacing all of them.") { store in
            try await store.storage.setItem("k", "value")
            try expectEqual(try await store.storage.getMeta("k")?.fieldBytes, nil, "the fields at first")
            try expectEqual(try await store.storage.setMeta("k", Note(author: "ada", count: 1)), true, "setMeta")
            try expectEqual(try await store.storage.getMeta("k")?.fields(), Note(author: "ada", count: 1), "the fields")
            try await store.storage.setMeta("k", ["author": "grace"])
            let fields: [String: String]? = try await store.storage.getMeta("k")?.fields()
            try expectEqual(fields, ["author": "grace"], "the fields, replaced as a whole")
            try expectEqual(try await store.storage.removeMeta("k"), true, "removeMeta")
            try expectEqual(try await store.storage.getMeta("k")?.fieldBytes, nil, "the fields after they were removed")
            try expectEqual(try await store.storage.getItem("k"), "value", "the value")
        },
        custom("absentItem", "An absent item is given no metadata, and a later one does not inherit any.") { store in
            try expectEqual(try await store.storage.setMeta("k", ["a": 1]), false, "setMeta of an absent item")
            try expectEqual(try await store.storage.removeMeta("k"), false, "removeMeta of an absent item")
            try expectKeys(try await store.storage.getKeys(), [], "the keys")
            try await store.storage.setItem("k", 1)
            try expectEqual(try await store.storage.getMeta("k")?.fieldBytes, nil, "the fields of a later item")
        },
        custom("notListed", "Metadata is no item: not listed, not counted, not in the way of a neighbour.") { store in
            for key in ["k", "k:a", "ka"] {
                try await store.storage.setItem(key, key)
                try await store.storage.setMeta(key, ["of": key])
            }
            try expectKeys(try await store.storage.getKeys(), ["k", "k:a", "ka"], "the keys")
            for key in ["k", "k:a", "ka"] {
                let fields: [String: String]? = try await store.storage.getMeta(key)?.fields()
                try expectEqual(fields, ["of": key], "the fields of \(key)")
                try expectEqual(try await store.storage.getItem(key), key, "the value of \(key)")
            }
            try expectEqual(try await store.storage.clear(), 3, "what clear counts")
        },
        custom("survivesWrites", "Writing the value leaves the custom fields of an existing item.") { store in
            try await store.storage.setItem("k", 1)
            try await store.storage.setMeta("k", ["note": "kept"])
            for write in TimedWrite.all where write.replaces {
                try await write(store.storage, "k", ttl: .seconds(600))
                let fields: [String: String]? = try await store.storage.getMeta("k")?.fields()
                try expectEqual(fields, ["note": "kept"], "the fields after \(write.name)")
            }
            try await store.storage.touchItem("k", ttl: .forever)
            let fields: [String: String]? = try await store.storage.getMeta("k")?.fields()
            try expectEqual(fields, ["note": "kept"], "the fields after touchItem")
        },
        custom("leavesLifetime", "Setting custom fields changes neither value nor lifetime.", movesClock: true) {
            store in
            try await store.storage.setItem("k", 1, ttl: .seconds(60))
            store.clock.advance(by: .seconds(10))
            try await store.storage.setMeta("k", ["a": 1])
            try expectEqual(try await store.storage.getMeta("k")?.ttl, .seconds(50), "what remains")
            try await store.storage.removeMeta("k")
            try expectEqual(try await store.storage.getMeta("k")?.ttl, .seconds(50), "what remains")
            store.clock.advance(by: .seconds(50))
            try expectEqual(try await store.storage.hasItem("k"), false, "the item at its deadline")
        },
        Behavior(
            "metadata.notSupported",
            promise: 12,
            "A driver that keeps no custom metadata says so.",
            requires: { $0.isWritable && !$0.contains(.customMetadata) }
        ) { store in
            try await store.storage.setItem("k", 1)
            try await expectThrows(.notSupported, "setMeta") { try await store.storage.setMeta("k", ["a": 1]) }
            try expectEqual(try await store.storage.getItem("k"), 1, "the item")
        },
    ]

    private static func custom(
        _ name: String,
        _ sentence: String,
        movesClock: Bool = false,
        _ body: @escaping Body
    ) -> Behavior {
        Behavior(
            "metadata.\(name)",
            promise: 7,
            sentence,
            movesClock: movesClock,
            requires: { $0.isWritable && $0.contains(.customMetadata) },
            body: body
        )
    }
}

private struct Note: Codable, Equatable {
    var author: String
    var count: Int
}
