import KVStorage

extension Behavior {
    /// Promise 8: what holds when many tasks write the same items at once.
    static let racing: [Behavior] = [
        Behavior("racing.ifAbsent", promise: 8, "Of 64 callers that store if absent exactly one does.") { store in
            let storage = store.storage
            for round in 0..<10 {
                let winners = try await concurrently(64) { number in
                    try await storage.setItem("k\(round)", number, ifAbsent: true) ? number : nil
                }
                let winner = winners.compactMap(\.self)
                try expectEqual(winner.count, 1, "the number of callers that stored")
                try expectEqual(try await storage.getItem("k\(round)"), winner.first, "the value, that of the winner")
            }
        },
        take("take", "Of 64 callers that take an item exactly one gets it.") { storage, _ in
            try await storage.takeItem("k", as: Int.self)
        },
        // The driver's own call, alone: one by compare-and-swap among them would win every race and hide a fault.
        take("takeRaw", "Of 64 callers that take an item's bytes exactly one gets them.") { storage, _ in
            try await storage.takeItemRaw("k").flatMap { Int(String(decoding: $0, as: UTF8.self)) }
        },
        take("takeMixed", "Of 64 callers that take an item in different ways exactly one gets it.") { storage, number in
            if number.isMultiple(of: 2) { return try await storage.takeItem("k", as: Int.self) }
            return try await storage.takeItemRaw("k").flatMap { Int(String(decoding: $0, as: UTF8.self)) }
        },
        remove("remove", "Of 64 callers that remove an item exactly one is told that it was there.") { storage, _ in
            try await storage.removeItem("k") ? 1 : 0
        },
        remove("removeItems", "Of 64 batches that remove an item exactly one counts it.") { storage, _ in
            try await storage.removeItems(["k", "k"])
        },
        remove("clear", "Of 64 callers that clear a branch of one item exactly one counts it.") { storage, _ in
            try await storage.clear("")
        },
        remove("removeMixed", "Of 64 callers that remove an item in different ways exactly one finds it.") {
            storage, number in
            switch number % 3 {
            case 0: try await storage.removeItem("k") ? 1 : 0
            case 1: try await storage.removeItems(["k", "k"])
            default: try await storage.takeItemRaw("k") == nil ? 0 : 1
            }
        },
        Behavior(
            "racing.batches",
            promise: 3,
            "Of atomic batches on the same keys each is carried out whole, one after the other.",
            requires: { $0.isWritable && $0.contains(.atomicCommit) }
        ) { store in
            let storage = store.storage
            let keys = (0..<8).map { "k\($0)" }
            for round in 0..<5 {
                _ = try await concurrently(32) { number in
                    let order = number.isMultiple(of: 2) ? keys : keys.reversed()
                    try await storage.setItems(order.map { ($0, round * 32 + number) })
                }
                let values = try await storage.getItems(keys, as: Int.self)
                try expectEqual(Set(values).count, 1, "the number of batches that the values are of, got \(values)")
            }
        },
        Behavior("racing.swap", promise: 8, "Of 64 callers that swap the same bytes exactly one does.") { store in
            let storage = store.storage
            try await storage.setItemRaw("k", [255])
            var current: [UInt8] = [255]
            for _ in 0..<10 {
                let expected = current
                let winners = try await concurrently(64) { number -> UInt8? in
                    let next = expected.first == UInt8(number) ? 200 : UInt8(number)
                    let isSwapped = try await storage.compareAndSwapItem("k", expected: expected, replacement: [next])
                    return isSwapped ? next : nil
                }
                try expectEqual(winners.compactMap(\.self).count, 1, "the number of callers that swapped")
                current = winners.compactMap(\.self)
                try expectEqual(try await storage.getItemRaw("k"), current, "the bytes, those of the winner")
            }
        },
        Behavior("racing.takeAndIncrement", promise: 8, "What was counted and what was taken from the counter add up.")
        { store in
            let storage = store.storage
            let taken = try await concurrently(32) { number in
                var taken = 0
                for _ in 0..<25 {
                    if number.isMultiple(of: 4) {
                        taken += try await storage.takeItem("count", as: Int.self) ?? 0
                    } else {
                        try await storage.incrementItem("count")
                    }
                }
                return taken
            }
            let rest = try await storage.getItem("count", as: Int.self) ?? 0
            try expectEqual(taken.reduce(rest, +), 24 * 25, "the sum of what was taken and what is left")
        },
        Behavior("racing.ownKeys", promise: 8, "Tasks that write keys of their own do not disturb each other.") {
            store in
            let storage = store.storage
            _ = try await concurrently(64) { number in
                for round in 0..<8 {
                    let key = "t\(number):r\(round)"
                    try await storage.setItem(key, [number, round])
                    let own: [Int]? = try await storage.getItem(key)
                    try expectEqual(own, [number, round], "the value that the task wrote itself")
                    if round.isMultiple(of: 2) {
                        try expectEqual(try await storage.removeItem(key), true, "removing it")
                        try expectEqual(try await storage.hasItem(key), false, "the item")
                    }
                }
            }
            let expected = (0..<64).flatMap { number in [1, 3, 5, 7].map { "t\(number):r\($0)" } }
            try expectKeys(try await storage.getKeys(), expected, "the keys")
        },
        Behavior("racing.wholeValues", promise: 8, "A reader sees a whole value, never parts of two.") { store in
            let storage = store.storage
            try await storage.setItemRaw("k", [UInt8](repeating: 0, count: 10_000))
            _ = try await concurrently(12) { number in
                for round in 0..<40 {
                    if number < 6 {
                        let size = 5_000 + number * 3_000
                        try await storage.setItemRaw("k", [UInt8](repeating: UInt8(number * 40 + round), count: size))
                    } else {
                        let value = try await storage.getItemRaw("k") ?? []
                        try expect(!value.isEmpty, "a value, as the item is never absent")
                        try expect(value.allSatisfy { $0 == value[0] }, "the bytes of one write")
                    }
                }
            }
        },
    ]

    private static func take(
        _ name: String,
        _ sentence: String,
        _ take: @escaping @Sendable (Storage, _ number: Int) async throws -> Int?
    ) -> Behavior {
        Behavior("racing.\(name)", promise: 8, sentence) { store in
            let storage = store.storage
            for round in 0..<10 {
                try await storage.setItem("k", round)
                let taken = try await concurrently(64) { number in try await take(storage, number) }
                try expectEqual(taken.compactMap(\.self), [round], "what the callers got, together")
                try expectEqual(try await storage.hasItem("k"), false, "hasItem afterwards")
            }
        }
    }

    private static func remove(
        _ name: String,
        _ sentence: String,
        _ remove: @escaping @Sendable (Storage, _ number: Int) async throws -> Int
    ) -> Behavior {
        Behavior("racing.\(name)", promise: 8, sentence) { store in
            let storage = store.storage
            for _ in 0..<10 {
                try await storage.setItem("k", 1)
                let told = try await concurrently(64) { number in try await remove(storage, number) }
                try expectEqual(told.reduce(0, +), 1, "how often the item was there to be removed")
            }
        }
    }
}
