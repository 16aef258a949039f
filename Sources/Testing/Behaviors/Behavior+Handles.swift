import KVStorage

extension Behavior {
    /// Promise 8: two handles on one store, as two processes have them.
    static let handles: [Behavior] = [
        shared("see", "A handle sees at once what the other wrote.") { first, second in
            try await first.setItem("a", 1)
            try expectEqual(try await second.getItem("a"), 1, "the value that the other handle wrote")
            try await second.setItem("a", 2)
            try await second.setItems([("b:c", 3), ("b:d", 4)])
            try expectEqual(try await first.getItems(["a", "b:c"], as: Int.self), [2, 3], "the values")
            try expectKeys(try await first.getKeys(), ["a", "b:c", "b:d"], "the keys")
            try expectEqual(try await first.removeItem("a"), true, "removing what the other wrote")
            try expectEqual(try await second.hasItem("a"), false, "what the other removed")
            try expectEqual(try await second.removeItem("a"), false, "removing it again")
            try expectEqual(try await first.clear("b"), 2, "clearing what the other wrote")
            try expectKeys(try await second.getKeys(), [], "the keys")
        },
        shared("lifetimes", "A handle keeps the lifetimes that the other gave.") { first, second in
            try await first.setItem("k", 1, ttl: .seconds(60))
            try expect(try await second.getMeta("k")?.ttl != nil, "a lifetime")
            try await second.touchItem("k", ttl: .forever)
            try expectEqual(try await first.getMeta("k")?.ttl, nil, "what remains after the other touched it")
        },
        Behavior(
            "handles.expiry",
            promise: 4,
            "What one handle wrote is absent from its deadline on to the other.",
            movesClock: true,
            requires: { $0.isWritable && $0.contains(.interprocess) }
        ) { store in
            let other = try await store.secondHandle()
            try await store.storage.setItem("k", 1, ttl: .seconds(60))
            try expectEqual(try await other.storage.getItem("k"), 1, "the item")
            store.clock.advance(by: .seconds(60))
            try expectEqual(try await other.storage.hasItem("k"), false, "the item at its deadline")
            try expectEqual(try await other.storage.setItem("k", 2, ifAbsent: true), true, "storing it anew")
            try expectEqual(try await store.storage.getItem("k"), 2, "the new item")
        },
        shared("count", "Updates and increments by both handles add up.") { first, second in
            _ = try await concurrently(16) { number in
                let storage = number.isMultiple(of: 2) ? first : second
                for round in 0..<25 {
                    if round.isMultiple(of: 2) {
                        try await storage.incrementItem("count")
                    } else {
                        try await storage.updateItem("count", default: 0) { $0 += 1 }
                    }
                }
            }
            try expectEqual(try await first.getItem("count"), 400, "the count")
            try expectEqual(try await second.getItem("count"), 400, "the count")
        },
        shared("ifAbsent", "Of callers on both handles that store if absent exactly one does.") { first, second in
            for round in 0..<5 {
                let winners = try await concurrently(32) { number in
                    let storage = number.isMultiple(of: 2) ? first : second
                    return try await storage.setItem("k\(round)", number, ifAbsent: true) ? number : nil
                }
                let winner = winners.compactMap(\.self)
                try expectEqual(winner.count, 1, "the number of callers that stored")
                try expectEqual(try await second.getItem("k\(round)"), winner.first, "the value, that of the winner")
            }
        },
        shared("take", "Of callers on both handles that take an item exactly one gets it.") { first, second in
            for round in 0..<5 {
                try await first.setItem("k", round)
                let taken = try await concurrently(32) { number in
                    let storage = number.isMultiple(of: 2) ? first : second
                    return try await storage.takeItem("k", as: Int.self)
                }
                try expectEqual(taken.compactMap(\.self), [round], "what the callers got, together")
            }
        },
        shared("independent", "A handle goes on working after the other was closed.") { first, second in
            try await first.setItem("a", 1)
            try await second.setItem("b", 2)
            try await second.dispose()
            try expectEqual(try await first.getItems(["a", "b"], as: Int.self), [1, 2], "the values")
            try await first.setItem("c", 3)
            try expectEqual(try await first.getItem("c"), 3, "a value written afterwards")
        },
        Behavior(
            "handles.watching",
            promise: 11,
            "A driver that watches from outside tells of what the other handle writes.",
            requires: { $0.isWritable && $0.contains(.interprocess) && $0.watching == .external }
        ) { store in
            let other = try await store.secondHandle()
            let events = EventRecorder(try await store.storage.watch())
            try await other.storage.setItem("a", 1)
            try await other.storage.removeItem("a")
            try await other.storage.setItem("end", 1)
            let told = try await events.eventsBefore("end")
            let expected: [StorageEvent] = [.update("a"), .remove("a", .removed)]
            try expectEqual(Set(store.resolved(told, as: expected)), Set(expected), "the events")
        },
    ]

    private static func shared(
        _ name: String,
        _ sentence: String,
        _ body: @escaping @Sendable (_ first: Storage, _ second: Storage) async throws -> Void
    ) -> Behavior {
        Behavior("handles.\(name)", promise: 8, sentence, requires: { $0.isWritable && $0.contains(.interprocess) }) {
            store in
            try await body(store.storage, try await store.secondHandle().storage)
        }
    }
}
