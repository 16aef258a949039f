import KVStorage

extension Behavior {
    /// Promise 10: events agree with what is there, also where calls overlap, fail half way or are hidden.
    static let eventOrder: [Behavior] = [
        Behavior("watching.batchRemovals", promise: 11, "A batch tells of what it removed, not of what was not there.")
        {
            store in
            let storage = store.storage
            let events = EventRecorder(try await storage.watch())
            try await storage.setItems([("a", 1), ("b", 1)])
            try await storage.removeItems(["absent", "a", "absent:too", "a"])
            try await storage.removeItems(["absent"])
            try await storage.setItem("end", 1)
            let told = try await events.eventsBefore("end")
            let removals = store.resolved(told, as: [.remove("a", .removed)]).filter { $0.isRemoval() }
            try expectEqual(
                Set(removals).subtracting([.remove("a", .removed)]), [], "the removals of what was not there")
            // Who only knows how many of a batch were there can't say which, but that something was missed.
            let isMissed = store.driver.events == nil && told.contains(.lagged)
            try expect(!removals.isEmpty || isMissed, "the removal of the item that was there, got \(told)")
            if store.capabilities.watching != .external {
                try expect(removals.count <= 1, "its removal once, got \(told)")
            }
        },
        Behavior(
            "watching.halfBatch",
            promise: 11,
            "Of a batch that fails half way what was done is told, or that something was missed.",
            scope: .driver
        ) { store in
            for driver in Self.withAndWithoutEvents(store.driver) {
                let storage = Storage(HalfwayDriver(base: driver))
                try await storage.clear()
                let events = EventRecorder(try await storage.watch())
                try await expectThrows(.inputOutput, "a batch that fails half way") {
                    try await storage.setItems(["a", "b", "c", "d"].map { ($0, 1) })
                }
                try await storage.setItem("middle", 1)
                let written = try await events.eventsBefore("middle")
                for key in try await storage.getKeys() where key != "middle" {
                    let isTold = written.contains(.update(key)) || written.contains(.lagged)
                    try expect(isTold, "an update of \(key), which is there, or lagged; got \(written)")
                }
                try await expectThrows(.inputOutput, "a batch of removals that fails half way") {
                    try await storage.removeItems(["a", "b", "middle", "d"])
                }
                try await storage.setItem("end", 1)
                let told = try await events.eventsBefore("end").drop { $0 != .update("middle") }.dropFirst()
                for key in ["a", "b"] where try await !storage.hasItem(key) {
                    let isTold = told.contains { $0.isRemoval(of: key) || $0 == .lagged }
                    try expect(isTold, "a removal of \(key), which is gone, or lagged; got \(Array(told))")
                }
            }
        },
        Behavior(
            "watching.overlapping",
            promise: 11,
            "Of calls on a key that overlap the last event agrees with what is there, or tells that something was missed.",
            scope: .driver
        ) { store in
            for driver in Self.withAndWithoutEvents(store.driver) {
                let pausing = PausingDriver(driver)
                let storage = Storage(pausing)
                try await storage.clear()
                let events = EventRecorder(try await storage.watch())
                let pause = pausing.pause(.after) { $0.operation == .set && $0.key == "k" }
                async let written: Void = storage.setItem("k", 1)
                await pause.reached()
                let isRemoved = Shared(false)
                async let removed: Void = {
                    try await storage.removeItem("k")
                    isRemoved.withLock { $0 = true }
                }()
                // Which may have to wait for the write: then it comes after it.
                await waited(for: .milliseconds(50)) { isRemoved.withLock(\.self) }
                pause.resume()
                try await written
                try await removed
                let isThere = try await storage.hasItem("k")
                try await storage.setItem("end", 1)
                let told = try await events.eventsBefore("end")
                let last = told.last { $0.key == "k" || $0 == .lagged }
                let agrees = isThere ? last == .update("k") : last?.isRemoval() ?? false
                let expected = isThere ? "an update" : "a removal"
                try expect(agrees || last == .lagged, "\(expected) or lagged last, got \(told)")
            }
        },
        Behavior(
            "watching.masked",
            promise: 11,
            "Nothing is told of keys that a mount hides.",
            scope: .driver,
            requires: { $0.isWritable && $0.watching != .none }
        ) { store in
            let storage = Storage(store.driver)
            try storage.mount("m", .memory)
            let events = EventRecorder(try await storage.watch())
            // The same driver without the mount: its keys below m are those that the mount hides.
            for key in ["m:x", "m", "m:x:y", "n"] { try await store.storage.setItem(key, 1) }
            try await storage.setItem("m:own", 1)
            try await store.storage.removeItem("m:x")
            try await store.storage.clear("m")
            try await storage.setItem("end", 1)
            let told = try await events.eventsBefore("end")
            try expectEqual(Set(told).subtracting([.lagged]), [.update("n"), .update("m:own")], "the events")
        },
        Behavior("watching.mounting", promise: 11, "Mounting and unmounting tell lagged, as they change what is there.")
        {
            store in
            let storage = store.storage
            let events = EventRecorder(try await storage.watch())
            try await storage.setItem("spot:x", 1)
            try storage.mount("spot", .memory)
            let isMountTold = await events.wait(within: store.patience) { $0.contains(.lagged) }
            try expect(isMountTold, "lagged after mounting, got \(events.events)")
            try await storage.setItem("spot:y", 1)
            let isWriteTold = await events.wait(within: store.patience) { $0.contains(.update("spot:y")) }
            try expect(isWriteTold, "an update of what was written to the mount, got \(events.events)")
            try await storage.unmount("spot")
            let isUnmountTold = await events.wait(within: store.patience) { events in
                events.drop { $0 != .update("spot:y") }.contains(.lagged)
            }
            try expect(isUnmountTold, "lagged after unmounting, got \(events.events)")
        },
        Behavior(
            "watching.ownMounts", promise: 11,
            "Watching a base concerns the mounts at and below it alone: one elsewhere that can't be watched does no harm."
        ) { store in
            let storage = store.storage
            try storage.mount("remote:broken", UnwatchableDriver(base: MemoryDriver()))
            let events = EventRecorder(try await storage.watch("local"))
            let view = EventRecorder(try await storage.prefixed("local").watch())
            try await storage.setItem("local:end", 1)
            try expectEqual(try await events.eventsBefore("local:end"), [], "the events below local")
            try expectEqual(try await view.eventsBefore("end"), [], "the events of the view of local")
            for base in ["remote", "remote:broken", "remote:broken:x", ""] {
                try await expectThrows(.unavailable, "watch(\(base.debugDescription)), which concerns the broken mount")
                {
                    try await storage.watch(base)
                }
            }
        },
    ]

    private static func withAndWithoutEvents(_ driver: any StorageDriver) -> [any StorageDriver] {
        driver.events == nil ? [driver] : [driver, EventlessDriver(base: driver)]
    }
}
