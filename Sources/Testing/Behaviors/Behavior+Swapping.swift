import KVStorage

extension Behavior {
    /// Promise 8: compare-and-swap, storing if absent, taking.
    static let swapping: [Behavior] = [
        Behavior("swapping.create", promise: 8, "A swap that expects no item creates one, and fails if there is one.") {
            store in
            let storage = store.storage
            let created = try await storage.compareAndSwapItem("k", expected: nil, replacement: [1])
            try expectEqual(created, true, "creating an absent item")
            let again = try await storage.compareAndSwapItem("k", expected: nil, replacement: [2])
            try expectEqual(again, false, "creating it again")
            try expectEqual(try await storage.getItemRaw("k"), [1], "the bytes")
        },
        Behavior("swapping.replace", promise: 8, "A swap replaces exactly the bytes that it expects.") { store in
            let storage = store.storage
            try await storage.setItemRaw("k", [1, 2, 3])
            let wrong: [[UInt8]] = [[1, 2], [1, 2, 3, 0], [], [1, 2, 4], [0, 1, 2, 3]]
            for expected in wrong {
                let swapped = try await storage.compareAndSwapItem("k", expected: expected, replacement: [9])
                try expectEqual(swapped, false, "a swap that expects \(expected)")
            }
            try expectEqual(try await storage.getItemRaw("k"), [1, 2, 3], "the bytes after swaps that failed")
            let swapped = try await storage.compareAndSwapItem("k", expected: [1, 2, 3], replacement: [4])
            try expectEqual(swapped, true, "a swap that expects what is there")
            try expectEqual(try await storage.getItemRaw("k"), [4], "the bytes")
            let same = try await storage.compareAndSwapItem("k", expected: [4], replacement: [4])
            try expectEqual(same, true, "a swap for the same bytes")
            let absent = try await storage.compareAndSwapItem("absent", expected: [4], replacement: [5])
            try expectEqual(absent, false, "a swap of an absent item")
            try expectKeys(try await storage.getKeys(), ["k"], "the keys")
        },
        Behavior("swapping.remove", promise: 8, "A swap for no item removes exactly what it expects.") { store in
            let storage = store.storage
            try await storage.setItemRaw("k", [1])
            let wrong = try await storage.compareAndSwapItem("k", expected: [2], replacement: nil)
            try expectEqual(wrong, false, "a removal that expects other bytes")
            let mistaken = try await storage.compareAndSwapItem("k", expected: nil, replacement: nil)
            try expectEqual(mistaken, false, "a swap that expects no item where there is one")
            try expectEqual(try await storage.getItemRaw("k"), [1], "the bytes")
            let removed = try await storage.compareAndSwapItem("k", expected: [1], replacement: nil)
            try expectEqual(removed, true, "a removal that expects what is there")
            try expectEqual(try await storage.hasItem("k"), false, "the item")
            let absent = try await storage.compareAndSwapItem("k", expected: [1], replacement: nil)
            try expectEqual(absent, false, "a removal of an absent item")
            let nothing = try await storage.compareAndSwapItem("k", expected: nil, replacement: nil)
            try expectEqual(nothing, true, "a swap of no item for none")
            try expectKeys(try await storage.getKeys(), [], "the keys")
        },
        Behavior(
            "swapping.failedLeavesAll", promise: 8, "A swap that fails changes neither value, lifetime nor metadata.",
            movesClock: true
        ) { store in
            let storage = store.storage
            try await storage.setItemRaw("k", [1], ttl: .seconds(60))
            if store.capabilities.contains(.customMetadata) { try await storage.setMeta("k", ["a": 1]) }
            let before = try await storage.getMeta("k")
            _ = try await storage.compareAndSwapItem("k", expected: [2], replacement: [3], ttl: .seconds(600))
            _ = try await storage.compareAndSwapItem("k", expected: nil, replacement: [3], ttl: .seconds(600))
            _ = try await storage.setItem("k", 3, ttl: .seconds(600), ifAbsent: true)
            try expectEqual(try await storage.getMeta("k"), before, "the metadata")
            store.clock.advance(by: .seconds(60))
            try expectEqual(try await storage.hasItem("k"), false, "the item at its first deadline")
        },
        Behavior("swapping.ifAbsent", promise: 8, "setItem(ifAbsent:) stores only where there is nothing.") { store in
            let storage = store.storage
            try expectEqual(try await storage.setItem("k", "first", ifAbsent: true), true, "storing the first")
            try expectEqual(try await storage.setItem("k", "second", ifAbsent: true), false, "storing the second")
            try expectEqual(try await storage.getItem("k"), "first", "the value")
            try expectEqual(
                try await storage.setItem("k", "third", ifAbsent: false), true, "storing without the condition")
            try expectEqual(try await storage.getItem("k"), "third", "the value")
            try await storage.removeItem("k")
            try expectEqual(try await storage.setItem("k", "fourth", ifAbsent: true), true, "storing after a removal")
        },
        Behavior("swapping.take", promise: 8, "takeItem returns the value and removes the item.") { store in
            let storage = store.storage
            try await storage.setItem("k", 7)
            try await storage.setItem("other", 8)
            try expectEqual(try await storage.takeItem("k"), 7, "the value")
            try expectEqual(try await storage.takeItem("k", as: Int.self), nil, "the value the second time")
            try expectEqual(try await storage.hasItem("k"), false, "the item")
            try expectEqual(try await storage.getItem("other"), 8, "the item beside it")
        },
    ]
}
