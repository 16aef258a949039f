import KVStorage

extension Behavior {
    /// Promise 10: any number of watchers, fast or slow.
    static let watchers: [Behavior] = [
        Behavior("watchers.several", promise: 11, "Every watcher is told everything.") { store in
            var watchers: [EventRecorder] = []
            for _ in 0..<8 { watchers.append(EventRecorder(try await store.storage.watch())) }
            for number in 0..<50 { try await store.storage.setItem("k\(number)", 1) }
            try await store.storage.setItem("end", 1)
            for watcher in watchers {
                let told = try await watcher.eventsBefore("end")
                try expectEqual(Set(told).count, 50, "the number of different events")
            }
        },
        Behavior("watchers.ended", promise: 11, "A watcher that ends leaves the others, and a later one is told.") {
            store in
            let first = EventRecorder(try await store.storage.watch())
            let second = EventRecorder(try await store.storage.watch())
            try await store.storage.setItem("a", 1)
            _ = await first.wait { !$0.isEmpty }
            await first.stop()
            try await store.storage.setItem("b", 1)
            let third = EventRecorder(try await store.storage.watch())
            try await store.storage.setItem("c", 1)
            try await store.storage.setItem("end", 1)
            try expectEqual(Set(try await second.eventsBefore("end")).count, 3, "the events of the one that stayed")
            try expectEqual(Set(try await third.eventsBefore("end")), [.update("c")], "the events of the later one")
            try expect(!first.events.contains(.update("end")), "no event for the one that ended")
        },
        Behavior("watchers.concurrent", promise: 11, "Concurrent writers lose no event, and each key's come in order.")
        { store in
            let storage = store.storage
            let events = EventRecorder(try await storage.watch("", bufferSize: 100_000))
            _ = try await concurrently(16) { number in
                for _ in 0..<10 {
                    try await storage.setItem("k\(number)", 1)
                    try await storage.removeItem("k\(number)")
                }
            }
            try await storage.setItem("end", 1)
            let told = try await events.eventsBefore("end")
            for number in 0..<16 {
                let own = told.filter { $0.key == "k\(number)" }
                try expect(own.first == .update("k\(number)"), "an update of k\(number) first, got \(own.prefix(3))")
                let last = own.last
                try expect(last?.isRemoval() ?? false, "a removal of k\(number) last, got \(own.suffix(3))")
                guard store.capabilities.watching != .external else { continue }
                let expected = (0..<20).map {
                    $0.isMultiple(of: 2) ? StorageEvent.update("k\(number)") : .remove("k\(number)", .removed)
                }
                try expectEqual(own, expected, "the events of k\(number)")
            }
        },
        Behavior(
            "watchers.lastEvent",
            promise: 11,
            "The last event of a key tells what became of it, also when many write it at once.",
            requires: { $0.isWritable && $0.watching != .none }
        ) { store in
            let storage = store.storage
            for round in 0..<20 {
                let events = EventRecorder(try await storage.watch("", bufferSize: 10_000))
                _ = try await concurrently(8) { number in
                    for _ in 0..<10 {
                        if number.isMultiple(of: 2) {
                            try await storage.setItem("k", 1)
                        } else {
                            try await storage.removeItem("k")
                        }
                    }
                }
                let isThere = try await storage.hasItem("k")
                try await storage.setItem("end\(round)", 1)
                let told = try await events.eventsBefore("end\(round)")
                let last = told.last { $0.key == "k" }
                let agrees = isThere ? last == .update("k") : last?.isRemoval() ?? false
                try expect(agrees, "\(isThere ? "an update" : "a removal") last, got \(told.suffix(3))")
            }
        },
        Behavior(
            "watchers.slow", promise: 11, "A slow watcher is told of the gap, and neither blocks nor fails a writer."
        ) { store in
            let storage = store.storage
            let slow = try await storage.watch("", bufferSize: 16)
            let fast = EventRecorder(try await storage.watch("", bufferSize: 10_000))
            for number in 0..<200 { try await storage.setItem("k\(number)", 1) }
            try await storage.setItem("end", 1)
            let told = try await fast.eventsBefore("end")
            try expectEqual(Set(told).count, 200, "the number of events that the fast watcher was told")
            var kept: [StorageEvent] = []
            for await event in slow {
                if event == .lagged { break }
                kept.append(event)
                try expect(kept.count <= 16, "lagged after at most 16 events, got \(kept.suffix(2))")
            }
            try expectEqual(kept, Array(told.prefix(kept.count)), "the events before the gap")
            let later = EventRecorder(slow)
            try await storage.setItem("later", 1)
            let arrived = await later.wait { $0.contains(.update("later")) }
            try expect(arrived, "the events after the gap, got \(later.events)")
        },
    ]
}
