import KVStorage

extension Behavior {
    /// Promise 9: what is there after the store was closed and opened again.
    static let durability: [Behavior] = [
        durable("values", "Values are there after reopening, byte for byte.") { store in
            let samples: [[UInt8]] = [[], [0], Array(0...255), [UInt8](repeating: 7, count: 100_000), bytes("text")]
            for (number, key) in AwkwardKeys.all.enumerated() {
                try await store.storage.setItemRaw(key, samples[number % samples.count])
            }
            let again = try await store.reopen()
            try expectKeys(try await again.storage.getKeys(), AwkwardKeys.all, "the keys")
            for (number, key) in AwkwardKeys.all.enumerated() {
                let value = try await again.storage.getItemRaw(key)
                try expect(value == samples[number % samples.count], "the bytes of \(key.debugDescription)")
            }
        },
        durable("removals", "What was removed or cleared stays so after reopening.") { store in
            for key in ["a", "b:c", "b:d", "e", "f"] { try await store.storage.setItem(key, 1) }
            try await store.storage.removeItem("a")
            try await store.storage.clear("b")
            try await store.storage.removeItems(["e"])
            try await store.storage.setItem("f", 2)
            let again = try await store.reopen()
            try expectKeys(try await again.storage.getKeys(), ["f"], "the keys")
            try expectEqual(try await again.storage.getItem("f"), 2, "the value that was written last")
        },
        durable("lifetimes", "Lifetimes go on while the store is closed.", movesClock: true) { store in
            for write in TimedWrite.all {
                try await write(store.storage, "short:\(write.name)", ttl: .seconds(60))
                try await write(store.storage, "long:\(write.name)", ttl: .seconds(600))
            }
            try await store.storage.setItem("ever", 1, ttl: .seconds(60))
            try await store.storage.touchItem("ever", ttl: .forever)
            let again = try await store.reopen()
            try expectEqual(try await again.storage.getMeta("short:setItem")?.ttl, .seconds(60), "what remains")
            try await again.storage.dispose()
            store.clock.advance(by: .seconds(60))
            let later = try await again.reopen()
            let expected = TimedWrite.all.map { "long:\($0.name)" } + ["ever"]
            try expectKeys(try await later.storage.getKeys(), expected, "the keys")
            try expectEqual(try await later.storage.getMeta("long:setItem")?.ttl, .seconds(540), "what remains")
            try expectEqual(try await later.storage.getMeta("ever")?.ttl, nil, "what remains of forever")
            store.clock.advance(by: .seconds(540))
            try expectKeys(try await later.storage.getKeys(), ["ever"], "the keys in the end")
        },
        durable(
            "sweeping",
            "What has a lifetime is physically removed after reopening too.",
            movesClock: true,
            requires: { $0.watching != .none }
        ) { store in
            try await store.storage.setItem("a", 1, ttl: .seconds(60))
            let again = try await store.reopen()
            let events = EventRecorder(try await again.storage.watch())
            store.clock.advance(by: .seconds(60))
            var isTold = false
            for _ in 0..<20 where !isTold {
                isTold = await events.wait(within: store.patience / 20) { $0.contains { $0.isRemoval(of: "a") } }
                store.clock.advance(by: .seconds(1))
            }
            try expect(isTold, "a remove event for what expired")
        },
        durable("metadata", "Custom metadata is there after reopening.", requires: { $0.contains(.customMetadata) }) {
            store in
            try await store.storage.setItem("k", 1)
            try await store.storage.setMeta("k", ["note": "kept"])
            try await store.storage.setItem("removed", 1)
            try await store.storage.setMeta("removed", ["note": "gone"])
            try await store.storage.removeItem("removed")
            let before = try await store.storage.getMeta("k")
            let again = try await store.reopen()
            let meta = try await again.storage.getMeta("k")
            try expectEqual(meta?.fieldBytes, before?.fieldBytes, "the fields")
            try expectEqual(meta?.mtime, before?.mtime, "mtime")
            try await again.storage.setItem("removed", 2)
            try expectEqual(
                try await again.storage.getMeta("removed")?.fieldBytes, nil, "the fields of an item made anew")
        },
        durable("atomicCalls", "Atomic calls go on from what was stored before.") { store in
            var store = store
            for round in 1...5 {
                try expectEqual(try await store.storage.incrementItem("count"), round, "the sum")
                let updated = try await store.storage.updateItem("list", default: [] as [Int]) { list in
                    list.append(round)
                    return list
                }
                try expectEqual(updated, Array(1...round), "the list")
                store = try await store.reopen()
            }
        },
    ]

    private static func durable(
        _ name: String,
        _ sentence: String,
        movesClock: Bool = false,
        requires: @escaping @Sendable (Capabilities) -> Bool = { _ in true },
        _ body: @escaping Body
    ) -> Behavior {
        Behavior(
            "durability.\(name)",
            promise: 10,
            sentence,
            movesClock: movesClock,
            requires: { $0.isWritable && $0.durability > .none && requires($0) },
            body: body
        )
    }
}
