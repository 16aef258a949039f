import KVStorage

extension Behavior {
    /// Promise 4: expired items are removed without anybody asking.
    static let sweeping: [Behavior] = [
        Behavior(
            "sweeping.removes",
            promise: 4,
            "An expired item is physically removed without anybody asking.",
            movesClock: true,
            requires: { $0.isWritable && $0.watching != .none }
        ) { store in
            let events = EventRecorder(try await store.storage.watch())
            try await store.storage.setItem("a", 1, ttl: .seconds(60))
            try await store.storage.setItem("b:c", 1, ttl: .seconds(90))
            try await store.storage.setItem("ever", 1)
            try await sweep(store, events, by: .seconds(60), until: [.remove("a", .expired)])
            try expect(!events.events.contains { $0.isRemoval(of: "b:c") }, "no removal before the deadline")
            try await sweep(store, events, by: .seconds(30), until: [.remove("b:c", .expired)])
            try expectKeys(try await store.storage.getKeys(), ["ever"], "the keys")
        },
        Behavior(
            "sweeping.everyWrite",
            promise: 4,
            "An expired item is physically removed whichever call gave it its lifetime.",
            movesClock: true,
            requires: { $0.isWritable && $0.watching != .none }
        ) { store in
            let events = EventRecorder(try await store.storage.watch())
            for write in TimedWrite.all { try await write(store.storage, write.name, ttl: .seconds(60)) }
            try await store.storage.setItem("touched", 1)
            try await store.storage.touchItem("touched", ttl: .seconds(60))
            let names = TimedWrite.all.map(\.name) + ["touched"]
            try await sweep(store, events, by: .seconds(60), until: names.map { .remove($0, .expired) })
        },
        Behavior(
            "sweeping.many",
            promise: 4,
            "Many items that expire are each removed once.",
            movesClock: true,
            requires: { $0.isWritable && $0.watching != .none }
        ) { store in
            let events = EventRecorder(try await store.storage.watch("", bufferSize: 10_000))
            for part in 0..<4 {
                let items = (0..<250).map { ("part\(part):k\($0)", $0) }
                try await store.storage.setItems(items, ttl: .seconds(60 + Int64(part)))
            }
            try await store.storage.setItem("ever", 1)
            let removals = (0..<4).flatMap { part in
                (0..<250).map { StorageEvent.remove("part\(part):k\($0)", .expired) }
            }
            try await sweep(store, events, by: .seconds(64), until: removals)
            try await store.storage.setItem("end", 1)
            let count = try await events.eventsBefore("end").count { if case .remove = $0 { true } else { false } }
            try expectEqual(count, 1000, "the number of removals that were told")
            try expectKeys(try await store.storage.getKeys(), ["ever", "end"], "the keys")
        },
        Behavior(
            "sweeping.spares",
            promise: 4,
            "An item whose life was prolonged meanwhile is not removed at its former deadline.",
            movesClock: true,
            requires: { $0.isWritable && $0.watching != .none }
        ) { store in
            let events = EventRecorder(try await store.storage.watch())
            for key in ["touched", "rewritten", "ever", "recreated", "swept"] {
                try await store.storage.setItem(key, 1, ttl: .seconds(60))
            }
            store.clock.advance(by: .seconds(30))
            try await store.storage.touchItem("touched", ttl: .seconds(6000))
            try await store.storage.setItem("rewritten", 2, ttl: .seconds(6000))
            try await store.storage.setItem("ever", 2)
            try await store.storage.removeItem("recreated")
            try await store.storage.setItem("recreated", 2, ttl: .seconds(6000))
            try await sweep(store, events, by: .seconds(30), until: [.remove("swept", .expired)])
            let spared = ["touched", "rewritten", "ever", "recreated"]
            try expectKeys(try await store.storage.getKeys(), spared, "the keys")
            try await store.storage.setItem("end", 1)
            let before = try await events.eventsBefore("end")
            for key in spared where key != "recreated" {
                try expect(!before.contains { $0.isRemoval(of: key) }, "no removal of \(key)")
            }
            try expectEqual(
                before.count { $0.isRemoval(of: "recreated") }, 1, "the removals of recreated: the one by hand")
        },
        Behavior(
            "sweeping.causes",
            promise: 11,
            "A removal tells why: what its deadline took has expired, also if a call comes first; the rest was removed.",
            movesClock: true,
            requires: { $0.isWritable && $0.watching != .none }
        ) { store in
            let storage = store.storage
            let events = EventRecorder(try await storage.watch())
            let brief = ["removed", "taken", "swapped", "batched", "cleared:brief", "left"]
            for key in brief { try await storage.setItemRaw(key, [1], ttl: .seconds(60)) }
            for key in ["cleared:ever", "ever"] { try await storage.setItem(key, 1) }
            store.clock.advance(by: .seconds(60))
            try await storage.removeItem("removed")
            _ = try await storage.takeItemRaw("taken")
            _ = try await storage.compareAndSwapItem("swapped", expected: [1], replacement: nil)
            try await storage.removeItems(["batched", "ever"])
            try await storage.clear("cleared")
            let causes = brief.map { StorageEvent.remove($0, .expired) }
            let expected = causes + [.remove("cleared:ever", .removed), .remove("ever", .removed)]
            try await sweep(store, events, by: .zero, until: expected)
            try await storage.setItem("end", 1)
            let removals = try await events.eventsBefore("end").filter { $0.isRemoval() }
            try expectEqual(Set(store.resolved(removals, as: expected)), Set(expected), "the removals")
        },
        Behavior(
            "sweeping.leavesMedium",
            promise: 4,
            "Expired items leave the medium without anybody asking, time after time: no clock turned back shows them again.",
            movesClock: true
        ) { store in
            try await store.storage.setItem("ever", 1)
            for round in 0..<3 {
                let keys = TimedWrite.all.map { "round\(round):\($0.name)" } + ["touched"]
                for (write, key) in zip(TimedWrite.all, keys) { try await write(store.storage, key, ttl: .seconds(60)) }
                try await store.storage.setItem("touched", 1)
                try await store.storage.touchItem("touched", ttl: .seconds(60))
                try await gone(store, keys, after: .seconds(60))
                try expectKeys(try await store.storage.getKeys(), ["ever"], "the keys after round \(round)")
            }
        },
        Behavior(
            "sweeping.physicalCount",
            promise: 4,
            "Expired items leave the medium without anybody asking, time after time, as a look past the driver shows.",
            movesClock: true,
            needs: [.physicalCount]
        ) { store in
            try await store.storage.setItem("ever", 1)
            let before = try await store.physicalCount()
            for round in 0..<3 {
                let items = (0..<20).map { ("part\($0 % 3):k\($0)", $0) }
                try await store.storage.setItems(items, ttl: .seconds(60 + Int64(round)))
                let held = try await store.physicalCount()
                try expect(held >= before + items.count, "\(before + items.count) items in the medium, got \(held)")
                store.clock.advance(by: .seconds(60 + Int64(round)))
                try await within(store.patience) { pause in
                    let count = try await store.physicalCount()
                    if count == before { return nil }
                    try await Task.sleep(for: pause)
                    store.clock.advance(by: .milliseconds(500))
                    return "\(before) items in the medium after all others expired in round \(round), got \(count)"
                }
            }
        },
        Behavior(
            "sweeping.noRevival", promise: 4, "An expired item's value and metadata never come back.", movesClock: true
        ) { store in
            try await store.storage.setItem("k", 1, ttl: .seconds(60))
            if store.capabilities.contains(.customMetadata) { try await store.storage.setMeta("k", ["note": "old"]) }
            store.clock.advance(by: .seconds(60))
            try await store.storage.setItem("k", 2, ttl: .seconds(60))
            try expectEqual(try await store.storage.getMeta("k")?.fieldBytes, nil, "the fields of the new item")
            store.clock.advance(by: .seconds(59))
            try expectEqual(try await store.storage.getItem("k"), 2, "the new item, past the old deadline")
            store.clock.advance(by: .seconds(-59))
            try expectEqual(try await store.storage.getItem("k"), 2, "the new item, the clock turned back")
        },
    ]

    /// Fails unless the items, which live that long from now on, leave the medium.
    ///
    /// Nobody asks for an item while the clock shows that it has expired, as an engine may remove what it is asked for. That it
    /// is gone shows when the clock is turned back: what is only hidden by its deadline is there again.
    static func gone(_ store: ConformanceStore, _ keys: [String], after duration: Duration) async throws {
        if store.capabilities.watching != .none {
            // A driver that tells of the removal says when to look: the clock is not turned back under a sweep.
            let events = EventRecorder(try await store.storage.watch("", bufferSize: 10_000))
            let start = store.clock.now
            try await sweep(store, events, by: duration, until: keys.map { .remove($0, .expired) })
            store.clock.advance(by: .zero - start.duration(to: store.clock.now))
            for key in keys {
                let isThere = try await store.storage.hasItem(key)
                try expect(!isThere, "no item \(key) in the medium, got one when the clock was turned back")
            }
            return
        }
        var ahead = duration
        try await within(store.patience) { pause in
            store.clock.advance(by: ahead)
            try await Task.sleep(for: pause)
            store.clock.advance(by: .zero - ahead)
            // A driver that sweeps at intervals needs some of them to pass.
            ahead += .seconds(10)
            for key in keys where try await store.storage.hasItem(key) {
                return "no item \(key) in the medium after its deadline, got one when the clock was turned back"
            }
            return nil
        }
    }

    /// Calls the body, which says what is still missing, until nothing is; it waits for as long as it is told.
    private static func within(
        _ limit: Duration,
        _ missing: (_ pause: Duration) async throws -> String?
    ) async throws {
        let end = ContinuousClock.now.advanced(by: limit)
        var pause = Duration.milliseconds(1)
        while let expectation = try await missing(pause) {
            try expect(ContinuousClock.now < end, expectation)
            pause = min(pause * 2, .milliseconds(200))
        }
    }

    /// Moves the clock until the driver has told of the removals, or long enough for any driver to have done so.
    private static func sweep(
        _ store: ConformanceStore,
        _ events: EventRecorder,
        by duration: Duration,
        until removals: [StorageEvent]
    ) async throws(ConformanceFailure) {
        store.clock.advance(by: duration)
        let expected = Set(removals)
        for _ in 0..<20 {
            let areTold = await events.wait(within: store.patience / 20) { told in
                expected.isSubset(of: store.resolved(told, as: removals))
            }
            if areTold { return }
            // A driver may sweep at intervals, which have to pass too; less than what other items have left.
            store.clock.advance(by: .milliseconds(500))
        }
        let missing = expected.subtracting(store.resolved(events.events, as: removals)).prefix(5)
        try expect(missing.isEmpty, "remove events for what expired, even 30 s later; missing: \(Array(missing))")
    }
}
