import KVStorage

extension Behavior {
    /// Promise 5: listing page by page.
    static let paging: [Behavior] = [
        Behavior("paging.everySize", promise: 5, "Pages of any size give each key once.") { store in
            let keys = (0..<60).map { "b\($0 % 5):k\($0)" } + AwkwardKeys.neighbours
            for key in keys { try await store.storage.setItem(key, 1) }
            for size in [1, 2, 3, 7, 59, 60, 1000, Int.max] {
                try expectKeys(try await collect(store.storage, pageSize: size), keys, "the keys by pages of \(size)")
                let below = keys.filter { $0.hasPrefix("b3:") }
                let listed = try await collect(store.storage, "b3", pageSize: size)
                try expectKeys(listed, below, "the keys below b3 by pages of \(size)")
                let shallow = keys.filter { !$0.contains(":") }
                let flat = try await collect(store.storage, pageSize: size, maxDepth: 0)
                try expectKeys(flat, shallow, "the keys to depth 0 by pages of \(size)")
            }
            try expectKeys(try await collect(store.storage, "absent", pageSize: 1), [], "the keys of an empty branch")
        },
        Behavior("paging.many", promise: 5, "A listing of thousands of keys is complete.") { store in
            let keys = (0..<4000).map { "n:\($0 % 10):\($0)" }
            try await store.storage.setItems(keys.map { ($0, 1) })
            try expectKeys(try await store.storage.getKeys("n"), keys, "the keys at once")
            try expectKeys(try await collect(store.storage, "n", pageSize: 64), keys, "the keys by pages of 64")
        },
        Behavior("paging.changing", promise: 5, "Keys that stay come exactly once while others come and go.") { store in
            let storage = store.storage
            let staying = (0..<150).map { "s:\($0 * 7 % 150):stay" }
            for key in staying { try await storage.setItem(key, 1) }
            let changes = Task {
                var round = 0
                while !Task.isCancelled {
                    for number in 0..<40 {
                        let key = "s:\(number * 11 % 150):\(round % 2 == 0 ? "a" : "z")"
                        try await storage.setItem(key, round)
                        if number.isMultiple(of: 2) { try await storage.removeItem("s:\(number * 11 % 150):z") }
                        if number.isMultiple(of: 3) { try await storage.setItem("s:\(number):stay", round) }
                    }
                    round += 1
                    await Task.yield()
                }
            }
            defer { changes.cancel() }
            for size in [1, 3, 10, 50] {
                let listed = try await collect(storage, "s", pageSize: size)
                try expectKeys(
                    listed.filter { $0.hasSuffix(":stay") }, staying, "the keys that stayed, by pages of \(size)")
                try expectEqual(Set(listed).count, listed.count, "the number of different keys in pages of \(size)")
            }
            changes.cancel()
            _ = await changes.result
        },
        Behavior(
            "paging.removingWhileListing", promise: 5, "Removing what was just listed leaves out none of the rest."
        ) { store in
            let keys = (0..<100).map { "r:\($0)" }
            for key in keys { try await store.storage.setItem(key, 1) }
            var listed: [String] = []
            for try await key in store.storage.keys(in: "r", pageSize: 4) {
                listed.append(key)
                try await store.storage.removeItem(key)
            }
            try expectKeys(listed, keys, "the keys")
            try expectKeys(try await store.storage.getKeys(), [], "the keys that are left")
        },
        Behavior(
            "paging.expiring", promise: 5, "A key that expires between two pages is not in the later one.",
            movesClock: true
        ) { store in
            for number in 0..<40 {
                try await store.storage.setItem(
                    "e:\(number)", 1, ttl: number.isMultiple(of: 2) ? .seconds(60) : .forever)
            }
            var listed: [String] = []
            for try await key in store.storage.keys(in: "e", pageSize: 5) {
                listed.append(key)
                if listed.count == 5 { store.clock.advance(by: .seconds(60)) }
            }
            let lasting = (0..<40).filter { !$0.isMultiple(of: 2) }.map { "e:\($0)" }
            try expect(Set(lasting).isSubset(of: listed), "every lasting key, got \(listed)")
            try expectEqual(Set(listed).count, listed.count, "the number of different keys")
            try expect(listed.count <= 25, "no expired key after the first page, got \(listed)")
        },
        Behavior("paging.items", promise: 5, "items(in:) gives each key with its value.") { store in
            for number in 0..<50 { try await store.storage.setItem("i:\(number)", number) }
            try await store.storage.setItem("j", "text")
            for size in [1, 7, 1000] {
                var items: [String: Int] = [:]
                for try await (key, value) in store.storage.items(in: "i", as: Int.self, pageSize: size) {
                    try expectEqual(items.updateValue(value, forKey: key), nil, "an earlier value of \(key)")
                }
                let expected = Dictionary(uniqueKeysWithValues: (0..<50).map { ("i:\($0)", $0) })
                try expectEqual(items, expected, "the items by pages of \(size)")
            }
            let error = try await expectThrows(.decoding, "items(in:) over a value of another type") {
                for try await _ in store.storage.items(as: Int.self) {}
            }
            try expectEqual(error.key, "j", "the key that the error names")
        },
        Behavior(
            "paging.ordered",
            promise: 5,
            "Keys come in ascending order of their bytes where the driver declares it.",
            requires: { $0.isWritable && $0.contains(.orderedKeys) }
        ) { store in
            for key in AwkwardKeys.all { try await store.storage.setItem(key, 1) }
            let expected = AwkwardKeys.all.sorted { keyPrecedes($0, $1) }
            try expectOrdered(try await store.storage.getKeys(), expected, "the keys in ascending order")
            for size in [1, 5, 1000] {
                let paged = try await collect(store.storage, pageSize: size)
                try expectOrdered(paged, expected, "the keys in ascending order by pages of \(size)")
            }
        },
    ]
}
