import KVStorage

extension Behavior {
    /// Promise 12: closing.
    static let disposal: [Behavior] = [
        Behavior("disposal.closed", promise: 13, "After dispose every call throws closed.") { store in
            let storage = store.storage
            try await storage.setItem("k", 1)
            try await storage.dispose()
            // A driver without metadata may refuse to keep any whether it is open or not.
            let calls = NamedCall.all.filter {
                store.capabilities.contains(.customMetadata) || !$0.name.hasSuffix("Meta") || !$0.writes
            }
            for call in calls {
                try await expectThrows(.closed, call.name) { try await call.body(storage, "k") }
            }
            try await expectThrows(.closed, "getKeys") { try await storage.getKeys() }
            try await expectThrows(.closed, "keys(in:)") { for try await _ in storage.keys(in: "a") {} }
            try await expectThrows(.closed, "clear") { try await storage.clear() }
            try await expectThrows(.closed, "snapshot") { try await storage.snapshot() }
            try await expectThrows(.closed, "watch") { try await storage.watch() }
        },
        Behavior("disposal.idempotent", promise: 13, "dispose may be called again, and by several at once.") { store in
            let storage = store.storage
            try await storage.setItem("k", 1)
            _ = try await concurrently(8) { _ in try await storage.dispose() }
            try await storage.dispose()
            try await expectThrows(.closed, "getItem") { try await storage.getItem("k", as: Int.self) }
        },
        Behavior(
            "disposal.unused", promise: 13, "dispose of a store that was never used succeeds.", requires: { _ in true }
        ) { store in
            try await store.storage.dispose()
            try await store.storage.dispose()
        },
        Behavior("disposal.endsWatching", promise: 13, "dispose ends every watcher, who still reads what came before.")
        { store in
            let storage = store.storage
            let watchers = [
                EventRecorder(try await storage.watch()), EventRecorder(try await storage.watch("a")),
            ]
            let late = try await storage.watch()
            try await storage.setItem("a:b", 1)
            for watcher in watchers {
                try expect(await watcher.wait { $0.contains(.update("a:b")) }, "the event before the end")
            }
            try await storage.dispose()
            for watcher in watchers { try expect(await watcher.waitForEnd(), "the end of the watching") }
            let reader = EventRecorder(late)
            try expect(await reader.waitForEnd(), "the end of the watching for one who reads later")
        },
        Behavior(
            "disposal.whileBusy", promise: 13,
            "dispose waits for what was accepted; what comes later is refused, nothing hangs."
        ) { store in
            let storage = store.storage
            let acknowledged = Shared<[String: Int]>([:])
            let isDisposed = Shared(false)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<32 {
                    group.addTask {
                        var round = 0
                        while !Task.isCancelled {
                            // Asked before the call: one that begins after the end of dispose has to throw.
                            let isLate = isDisposed.withLock(\.self)
                            do {
                                if number.isMultiple(of: 4) {
                                    _ = try await storage.getItem("k\(number)", as: Int.self)
                                } else {
                                    try await storage.setItem("k\(number)", round)
                                    acknowledged.withLock { $0["k\(number)"] = round }
                                }
                                try expect(!isLate, "the error closed from a call after dispose, got none")
                            } catch let error as StorageError where error.code == .closed {
                                return
                            }
                            round += 1
                            await Task.yield()
                        }
                    }
                }
                group.addTask {
                    while acknowledged.withLock({ $0.count }) < 24, !Task.isCancelled { await Task.yield() }
                    // The driver's own: a storage that was disposed refuses by itself.
                    try await store.driver.dispose()
                    isDisposed.withLock { $0 = true }
                }
                try await group.waitForAll()
            }
            try await expectThrows(.closed, "getItem") { try await storage.getItem("k1", as: Int.self) }
            guard store.capabilities.durability > .none else { return }
            let again = try await store.reopen()
            for (key, value) in acknowledged.withLock({ $0 }) {
                try expectEqual(try await again.storage.getItem(key), value, "\(key), as it was acknowledged")
            }
        },
    ]

    /// Promise 12: cancelling.
    static let cancellation: [Behavior] = [
        Behavior(
            "cancellation.before", promise: 13,
            "A call in a cancelled task is done in full, or throws and changes nothing."
        ) { store in
            let storage = store.storage
            let hasMetadata = store.capabilities.contains(.customMetadata)
            for call in CancelledCall.all where hasMetadata || !call.name.hasSuffix("Meta") {
                for before in CancelledCall.State.starts(withFields: hasMetadata) {
                    try await storage.clear()
                    try await before.write(to: storage)
                    let task = Task {
                        withUnsafeCurrentTask { $0?.cancel() }
                        try await call.body(storage)
                    }
                    let isDone = (try? await task.value) != nil
                    let after = try await CancelledCall.State(of: storage)
                    let name = "\(call.name) on \(before) in a cancelled task"
                    if isDone {
                        try expectEqual(after, call.effect(before), "the item after \(name), which succeeded")
                    } else {
                        try expectEqual(after, before, "the item after \(name), which threw")
                    }
                }
            }
            try await storage.setItem("k", 6)
            try expectEqual(try await storage.getItem("k"), 6, "the value written afterwards")
        },
        cancelled("increment") { storage in try await storage.incrementItem("count") },
        cancelled("update") { storage in try await storage.updateItem("count", default: 0) { $0 += 1 } },
        Behavior("cancellation.writes", promise: 13, "Cancelling never leaves half a write, and nobody is stuck.") {
            store in
            let storage = store.storage
            let tasks = (0..<64).map { number in
                Task {
                    for round in 0..<20 {
                        try await storage.setItemRaw("k\(number % 8)", [UInt8](repeating: UInt8(round), count: 2_000))
                        _ = try await storage.getItemRaw("k\((number + 1) % 8)")
                    }
                }
            }
            for (number, task) in tasks.enumerated() where !number.isMultiple(of: 3) {
                if number.isMultiple(of: 2) { await Task.yield() }
                task.cancel()
            }
            for task in tasks { _ = await task.result }
            for key in try await storage.getKeys() {
                let value = try await storage.getItemRaw(key) ?? []
                try expectEqual(value.count, 2_000, "the size of \(key)")
                try expect(value.allSatisfy { $0 == value[0] }, "the bytes of one write in \(key)")
            }
            try await storage.setItem("after", 1)
            try expectEqual(try await storage.getItem("after"), 1, "an item written afterwards")
        },
        Behavior(
            "cancellation.pages", promise: 13, "Cancelling ends a walk over many pages within a page, by an error.",
            scope: .driver
        ) { store in
            let counting = CountingDriver(store.driver)
            let pausing = PausingDriver(counting)
            let storage = Storage(pausing)
            try await storage.setItems((0..<2_500).map { ("k\($0)", 1) })
            let walks: [(name: String, walk: @Sendable () async throws -> Void)] = [
                ("getKeys", { _ = try await storage.getKeys() }),
                ("keys(in:)", { for try await _ in storage.keys(in: "", pageSize: 50) {} }),
                ("items(in:)", { for try await _ in storage.items(in: "", as: Int.self, pageSize: 50) {} }),
                ("snapshot", { _ = try await storage.snapshot() }),
                ("copy", { _ = try await storage.copy(to: Storage()) }),
            ]
            for (name, walk) in walks {
                _ = counting.reset()
                let pause = pausing.pause(.after) { $0.operation == .keys }
                let task = Task { try await walk() }
                await pause.reached()
                task.cancel()
                pause.resume()
                let result = await task.result
                guard case .failure(let error) = result else {
                    throw ConformanceFailure(
                        "expected: an error from \(name), cancelled at its first page, got none", at: nil)
                }
                let code = (error as? StorageError)?.code
                // A copy has written its first page by then.
                let isCancellation = error is CancellationError || code == .cancelled || code == .partlyDone
                try expect(isCancellation, "an error that says that \(name) was cancelled, got \(error)")
                let pages = counting.reset().count { $0.operation == .keys }
                try expect(pages <= 2, "at most a page more of \(name) after cancelling, got \(pages - 1)")
            }
            try expectEqual(try await storage.getKeys().count, 2_500, "the number of keys")
        },
        Behavior("cancellation.watching", promise: 13, "Cancelling who waits for an event ends the waiting.") { store in
            let stream = try await store.storage.watch()
            let waiting = Task {
                for await _ in stream {}
                return true
            }
            await Task.yield()
            waiting.cancel()
            try expectEqual(await waiting.value, true, "whether the waiting ended")
            try await store.storage.setItem("k", 1)
            try expectEqual(try await store.storage.getItem("k"), 1, "an item written afterwards")
        },
    ]

    /// Returns a behaviour that cancels tasks in the middle of counting and expects what they were told they counted.
    private static func cancelled(
        _ name: String,
        _ add: @escaping @Sendable (Storage) async throws -> Void
    ) -> Behavior {
        Behavior(
            "cancellation.\(name)",
            promise: 13,
            "Of cancelled atomic calls those that return have happened, and those that throw have not."
        ) { store in
            let storage = store.storage
            let acknowledged = Shared(0)
            let tasks = (0..<32).map { _ in
                Task {
                    for _ in 0..<20 {
                        try await add(storage)
                        acknowledged.withLock { $0 += 1 }
                    }
                }
            }
            for (number, task) in tasks.enumerated() where !number.isMultiple(of: 4) {
                while acknowledged.withLock({ $0 }) < number, !Task.isCancelled { await Task.yield() }
                task.cancel()
            }
            for task in tasks { _ = await task.result }
            let count = try await storage.getItem("count", as: Int.self)
            try expectEqual(count, acknowledged.withLock { $0 }, "the count, all acknowledged additions")
            try await add(storage)
            let after = try await storage.getItem("count", as: Int.self)
            try expectEqual(after, (count ?? 0) + 1, "the count after one more")
        }
    }
}
