import KVStorage

extension Behavior {
    /// Promise 3: many items in one call.
    static let batches: [Behavior] = [
        Behavior("batches.order", promise: 3, "getItems answers in the order asked, one per key.") { store in
            for number in 0..<20 { try await store.storage.setItem("k\(number)", number) }
            let asked = ["k3", "k1", "absent", "k3", "k19", "/k0/", "absent", "k1"]
            let values = try await store.storage.getItems(asked, as: Int.self)
            try expectEqual(values, [3, 1, nil, 3, 19, 0, nil, 1], "the answers")
            try expectEqual(try await store.storage.getItems([], as: Int.self), [], "the answers to nothing")
            let many = (0..<2000).map { "k\($0 % 30)" }
            let expected = (0..<2000).map { $0 % 30 < 20 ? $0 % 30 : nil }
            try expectEqual(try await store.storage.getItems(many, as: Int.self), expected, "2,000 answers")
        },
        Behavior(
            "batches.set", promise: 3, "setItems stores every item, replacing what was there; the last of a key counts."
        ) { store in
            try await store.storage.setItem("b", "old")
            try await store.storage.setItems([("a", "1"), ("b", "2"), ("c", "3"), ("a", "4"), ("/c/", "5")])
            let values = try await store.storage.getItems(["a", "b", "c"], as: String.self)
            try expectEqual(values, ["4", "2", "5"], "the values")
            try expectKeys(try await store.storage.getKeys(), ["a", "b", "c"], "the keys")
            try await store.storage.setItems([] as [(String, Int)])
            try await store.storage.setItems(["d": 1, "e": 2])
            try expectKeys(try await store.storage.getKeys(), ["a", "b", "c", "d", "e"], "the keys after a dictionary")
        },
        Behavior("batches.remove", promise: 3, "removeItems removes every item and tells how many were there.") {
            store in
            for key in ["a", "b", "c", "d"] { try await store.storage.setItem(key, key) }
            let removed = try await store.storage.removeItems(["a", "absent", "/c/", "a"])
            try expectEqual(removed, 2, "the number of items that were there, each once")
            try expectKeys(try await store.storage.getKeys(), ["b", "d"], "the keys that are left")
            try expectEqual(try await store.storage.removeItems([]), 0, "what removing nothing found")
        },
        Behavior("batches.large", promise: 3, "A batch may hold thousands of items.") { store in
            let items = (0..<3000).map { ("part\($0 % 7):k\($0)", $0) }
            try await store.storage.setItems(items)
            let values = try await store.storage.getItems(items.map(\.0), as: Int.self)
            try expect(values == items.map(\.1), "all 3,000 values in order")
            try expectEqual(try await store.storage.getKeys().count, 3000, "the number of keys")
            try expectEqual(try await store.storage.removeItems(items.map(\.0)), 3000, "what removing them found")
            try expectKeys(try await store.storage.getKeys(), [], "the keys in the end")
        },
        Behavior("batches.refusedWhole", promise: 3, "A batch with a key or lifetime that is refused changes nothing.")
        { store in
            try await store.storage.setItem("a", 1)
            try await expectThrows(.invalidKey, "setItems") {
                try await store.storage.setItems([("a", 2), ("b", 2), ("", 2)])
            }
            try await expectThrows(.invalidKey, "removeItems") { try await store.storage.removeItems(["a", "x$"]) }
            try await expectThrows(.invalidOption, "setItems") {
                try await store.storage.setItems([("a", 3), ("c", 3)], ttl: .seconds(0))
            }
            try expectKeys(try await store.storage.getKeys(), ["a"], "the keys")
            try expectEqual(try await store.storage.getItem("a"), 1, "the value")
        },
        Behavior(
            "batches.failsWhole",
            promise: 3,
            "setItems and removeItems are all or nothing where the driver declares atomicCommit.",
            requires: { $0.isWritable && $0.contains(.atomicCommit) && $0.hasSmallLimit }
        ) { store in
            try await store.storage.setItem("keep", 1)
            let valueLimit = store.capabilities.maximumValueBytes ?? .max
            let isKey = (store.capabilities.maximumKeyBytes ?? .max) < 100_000
            let keyLimit = isKey ? store.capabilities.maximumKeyBytes ?? 0 : 0
            let bad: (String, [UInt8]) =
                isKey
                ? (String(repeating: "k", count: keyLimit + 1), [1])
                : ("large", [UInt8](repeating: 1, count: valueLimit + 1))
            let items: [(String, [UInt8])] = [("keep", [2]), ("new", [2]), bad, ("last", [2])]
            try await expectThrows(isKey ? .invalidKey : .tooLarge, "setItems with one item that can't be stored") {
                try await store.storage.setItemsRaw(items)
            }
            try expectKeys(try await store.storage.getKeys(), ["keep"], "the keys")
            try expectEqual(try await store.storage.getItem("keep"), 1, "the value")
        },
        Behavior(
            "batches.seenWhole",
            promise: 3,
            "Once a part of an atomic batch can be read, all of it can.",
            requires: { $0.isWritable && $0.contains([.atomicCommit, .wholeReads]) }
        ) { store in
            let storage = store.storage
            let keys = (0..<16).map { "k\($0)" }
            try await storage.setItems(keys.map { ($0, 0) })
            let rounds = 50
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    for round in 1...rounds { try await storage.setItems(keys.map { ($0, round) }) }
                }
                for reader in 0..<3 {
                    group.addTask {
                        var last = 0
                        while last < rounds, !Task.isCancelled {
                            // Rounds only go up: what is read later can't be from an earlier one.
                            for key in reader.isMultiple(of: 2) ? keys : keys.reversed() {
                                let value = try await storage.getItem(key, as: Int.self) ?? -1
                                try expect(value >= last, "round \(last) or later in \(key), got \(value)")
                                last = value
                            }
                            // A read in place never suspends: without this the writer might never get a thread.
                            await Task.yield()
                        }
                    }
                }
                try await group.waitForAll()
            }
        },
        Behavior(
            "batches.readWhole",
            promise: 3,
            "Reading many items at once sees an atomic batch whole or not at all.",
            requires: { $0.isWritable && $0.contains([.atomicCommit, .wholeReads]) }
        ) { store in
            let storage = store.storage
            let keys = (0..<16).map { "k\($0)" }
            try await storage.setItems(keys.map { ($0, 0) })
            let rounds = 50
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    for round in 1...rounds {
                        try await storage.setItems(keys.map { ($0, round) })
                        await Task.yield()
                    }
                }
                for _ in 0..<3 {
                    group.addTask {
                        var last = 0
                        while last < rounds, !Task.isCancelled {
                            let values = try await storage.getItems(keys, as: Int.self)
                            try expectEqual(Set(values).count, 1, "the number of batches read at once, got \(values)")
                            last = values.first.flatMap(\.self) ?? rounds
                            await Task.yield()
                        }
                    }
                }
                try await group.waitForAll()
            }
        },
    ]
}

extension Capabilities {
    /// Whether a key or a value that is beyond a limit can be made without much memory.
    fileprivate var hasSmallLimit: Bool {
        (self.maximumKeyBytes ?? .max) < 100_000 || (self.maximumValueBytes ?? .max) <= 128 << 20
    }
}
