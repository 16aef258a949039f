import KVStorage

extension Behavior {
    /// Promise 10: what watchers are told.
    static let watching: [Behavior] = [
        watch("items", "Every write of an item is told, in order.") { storage in
            try await storage.setItem("a", 1)
            try await storage.setItem("a", 2, ttl: .seconds(600))
            try await storage.setItemRaw("b/c", [1])
            try await storage.removeItem("a")
            _ = try await storage.setItem("a", 3, ifAbsent: true)
            try await storage.setItem("b:c", nil as Int?)
            return [
                .update("a"), .update("a"), .update("b:c"), .remove("a", .removed), .update("a"),
                .remove("b:c", .removed),
            ]
        },
        watch("atomicCalls", "Every atomic call that writes is told, in order.") { storage in
            try await storage.updateItem("u", default: 0) { $0 += 1 }
            try await storage.updateItem("u", as: Int.self) { $0 = nil }
            try await storage.incrementItem("i")
            try await storage.touchItem("i", ttl: .seconds(600))
            _ = try await storage.takeItem("i", as: Int.self)
            _ = try await storage.compareAndSwapItem("c", expected: nil, replacement: [1])
            _ = try await storage.compareAndSwapItem("c", expected: [1], replacement: [2])
            _ = try await storage.compareAndSwapItem("c", expected: [2], replacement: nil)
            try await storage.setItemRaw("t", [1])
            _ = try await storage.takeItemRaw("t")
            return [
                .update("u"), .remove("u", .removed), .update("i"), .update("i"), .remove("i", .removed), .update("c"),
                .update("c"),
                .remove("c", .removed),
                .update("t"), .remove("t", .removed),
            ]
        },
        watch("batches", "Every write of a batch is told.", inOrder: false) { storage in
            let keys = (0..<20).map { "k\($0)" }
            try await storage.setItems(keys.map { ($0, 1) })
            try await storage.removeItems(keys)
            return keys.map(StorageEvent.update) + keys.map { .remove($0, .removed) }
        },
        watch("clear", "Every item that clear removes is told.", inOrder: false) { storage in
            let keys = (0..<20).map { "a:k\($0)" }
            for key in keys + ["a", "ab:c"] { try await storage.setItem(key, 1) }
            try await storage.clear("a")
            return (keys + ["a", "ab:c"]).map(StorageEvent.update) + keys.map { .remove($0, .removed) }
        },
        watch(
            "metadata", "Setting and removing custom metadata is told.",
            requires: { $0.isWritable && $0.contains(.customMetadata) }
        ) { storage in
            try await storage.setItem("k", 1)
            try await storage.setMeta("k", ["a": 1])
            try await storage.removeMeta("k")
            return [.update("k"), .update("k"), .update("k")]
        },
        watch("nothing", "What changes nothing is not told.") { storage in
            try await storage.setItem("k", 1)
            try await storage.removeItem("absent")
            try await storage.touchItem("absent", ttl: .seconds(1))
            _ = try await storage.takeItem("absent", as: Int.self)
            _ = try await storage.takeItemRaw("absent")
            _ = try await storage.setItem("k", 2, ifAbsent: true)
            _ = try await storage.compareAndSwapItem("k", expected: nil, replacement: [1])
            _ = try await storage.compareAndSwapItem("k", expected: [9], replacement: nil)
            try await storage.clear("absent")
            try await storage.updateItem("absent", as: Int.self) { $0 = nil }
            try? await storage.updateItem("k", default: 0) { _ in throw CancellationError() }
            try? await storage.setItem("k", 1, ttl: .seconds(0))
            try? await storage.setItem("x$", 1)
            _ = try await storage.getItem("k", as: Int.self)
            _ = try await storage.getKeys()
            return [.update("k")]
        },
        Behavior("watching.fromNowOn", promise: 11, "What was written before watching began is not told.") { store in
            try await store.storage.setItem("before", 1)
            let events = EventRecorder(try await store.storage.watch())
            try await store.storage.setItem("end", 1)
            try expectEqual(try await events.eventsBefore("end"), [], "the events before the first write")
        },
        Behavior(
            "watching.afterCommit", promise: 11, "An event comes after the commit: reading finds what was written."
        ) { store in
            let storage = store.storage
            let stream = try await storage.watch("k")
            let rounds = 200
            async let written: Void = {
                for round in 1...rounds { try await storage.setItem("k:\(round)", round) }
            }()
            var seen = 0
            for await event in stream {
                guard case .update(let key) = event else { continue }
                try expect(try await storage.hasItem(key), "the item \(key), which an event told of")
                if key == "k:\(rounds)" { break }
                seen += 1
            }
            try await written
            try expect(seen >= rounds - 1, "an event for every item, got \(seen + 1)")
        },
        Behavior("watching.base", promise: 11, "watch tells of whole segments below its base, by the handle's keys.") {
            store in
            let storage = store.storage
            let all = EventRecorder(try await storage.watch())
            let below = EventRecorder(try await storage.watch("/a/"))
            let view = EventRecorder(try await storage.prefixed("a").watch())
            let deeper = EventRecorder(try await storage.prefixed("a").watch("b"))
            for key in ["a", "ab", "a:b", "a:b:c", "b:a", "ab:c", "A:b"] { try await storage.setItem(key, 1) }
            try await storage.clear("a")
            try await storage.setItem("a:b:end", 1)
            let removed = Set([StorageEvent.remove("a:b", .removed), .remove("a:b:c", .removed)])
            let allEvents = store.resolved(try await all.eventsBefore("a:b:end"), as: removed)
            try expectEqual(allEvents.filter { !removed.contains($0) }.count, 7, "the number of updates anywhere")
            let belowEvents = store.resolved(try await below.eventsBefore("a:b:end"), as: removed)
            try expectEqual(Set(belowEvents), removed.union([.update("a:b"), .update("a:b:c")]), "the events below a")
            let viewed: Set<StorageEvent> = [
                .update("b"), .update("b:c"), .remove("b", .removed), .remove("b:c", .removed),
            ]
            let viewEvents = store.resolved(try await view.eventsBefore("b:end"), as: viewed)
            try expectEqual(Set(viewEvents), viewed, "the events of the view of a")
            let deep: Set<StorageEvent> = [.update("b:c"), .remove("b:c", .removed)]
            let deeperEvents = store.resolved(try await deeper.eventsBefore("b:end"), as: deep)
            try expectEqual(Set(deeperEvents), deep, "the events below b in the view of a")
        },
        Behavior("watching.bytewise", promise: 11, "Keys that only look alike are told apart.") { store in
            let base = EventRecorder(try await store.storage.watch("caf\u{E9}"))
            try await store.storage.setItem("cafe\u{301}:other", 1)
            try await store.storage.setItem("caf\u{E9}:own", 1)
            try await store.storage.setItem("caf\u{E9}:end", 1)
            let keys = try await base.eventsBefore("caf\u{E9}:end").compactMap(\.key)
            try expectKeys(keys, ["caf\u{E9}:own"], "the keys of the events")
        },
    ]

    /// Returns a behaviour that makes writes and expects the events that it returns, and no others.
    private static func watch(
        _ name: String,
        _ sentence: String,
        inOrder: Bool = true,
        requires: @escaping @Sendable (Capabilities) -> Bool = { $0.isWritable },
        _ body: @escaping @Sendable (Storage) async throws -> [StorageEvent]
    ) -> Behavior {
        Behavior("watching.\(name)", promise: 11, sentence, requires: requires) { store in
            let events = EventRecorder(try await store.storage.watch())
            let expected = try await body(store.storage)
            try await store.storage.setItem("end", 1)
            let told = try await events.eventsBefore("end")
            if store.capabilities.watching == .external {
                // An outside observer may see one write twice, or two in a row as one.
                try expectEqual(Set(store.resolved(told, as: expected)), Set(expected), "the events")
            } else if inOrder {
                try expectEqual(told, expected, "the events")
            } else {
                try expectEqual(told.map { "\($0)" }.sorted(), expected.map { "\($0)" }.sorted(), "the events")
            }
        }
    }
}
