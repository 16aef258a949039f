import KVStorage

extension Behavior {
    /// Promise 8: updateItem and incrementItem.
    static let updating: [Behavior] = [
        Behavior(
            "updating.default", promise: 8,
            "updateItem starts an absent item with the default and returns the body's result."
        ) { store in
            let storage = store.storage
            let first = try await storage.updateItem("k", default: 10) { value in
                value += 1
                return "was \(value - 1)"
            }
            try expectEqual(first, "was 10", "what the body returned")
            let second = try await storage.updateItem("k", default: 99) { value in
                value += 1
                return value
            }
            try expectEqual(second, 12, "what the body returned")
            try expectEqual(try await storage.getItem("k"), 12, "the value")
        },
        Behavior(
            "updating.optional", promise: 8, "updateItem gives nil for an absent item, and leaving nil removes it."
        ) { store in
            let storage = store.storage
            let absent = try await storage.updateItem("k", as: Int.self) { $0 == nil }
            try expectEqual(absent, true, "whether the body was given nil")
            try expectEqual(try await storage.hasItem("k"), false, "the item, as the body left nil")
            try await storage.updateItem("k", as: Int.self) { $0 = 5 }
            let present = try await storage.updateItem("k", as: Int.self) { value in
                defer { value = nil }
                return value
            }
            try expectEqual(present, 5, "what the body was given")
            try expectEqual(try await storage.hasItem("k"), false, "the item after the body left nil")
            try expectKeys(try await storage.getKeys(), [], "the keys")
        },
        Behavior(
            "updating.throws", promise: 8,
            "An update whose body throws changes nothing, and the error passes unchanged."
        ) { store in
            let storage = store.storage
            try await storage.setItem("k", 1, ttl: .seconds(60))
            for key in ["k", "absent"] {
                do {
                    try await storage.updateItem(key, default: 0) { value in
                        value = 100
                        throw Refusal(reason: "not on \(key)")
                    }
                    try expect(false, "an error from the update of \(key)")
                } catch let refusal as Refusal {
                    try expectEqual(refusal, Refusal(reason: "not on \(key)"), "the error")
                }
                do {
                    try await storage.updateItem(key, as: Int.self) { value in
                        value = nil
                        throw Refusal(reason: "neither")
                    }
                    try expect(false, "an error from the update of \(key)")
                } catch let refusal as Refusal {
                    try expectEqual(refusal, Refusal(reason: "neither"), "the error")
                }
            }
            try expectEqual(try await storage.getItem("k"), 1, "the value")
            try expectEqual(try await storage.hasItem("absent"), false, "the absent item")
            try expect(try await storage.getMeta("k")?.ttl != nil, "the lifetime it had")
        },
        Behavior("updating.concurrent", promise: 8, "A thousand concurrent updates of +1 by 64 tasks give 1,000.") {
            store in
            let storage = store.storage
            try await add1000 { _ in try await storage.updateItem("count", default: 0) { $0 += 1 } }
            try expectEqual(try await storage.getItem("count"), 1000, "the count")
        },
        Behavior("updating.concurrentAppends", promise: 8, "Concurrent updates of one list lose no element.") { store in
            let storage = store.storage
            _ = try await concurrently(32) { number in
                for round in 0..<5 {
                    try await storage.updateItem("list", default: [] as [Int]) { $0.append(number * 5 + round) }
                }
            }
            let list: [Int] = try await storage.getItem("list") ?? []
            try expectEqual(list.sorted(), Array(0..<160), "the elements")
        },
        Behavior(
            "updating.incrementConcurrent", promise: 8,
            "A thousand concurrent increments by 64 tasks give 1,000, each its own."
        ) { store in
            let storage = store.storage
            let sums = try await concurrently(64) { number in
                var sums: [Int] = []
                for _ in 0..<(number < 40 ? 16 : 15) { sums.append(try await storage.incrementItem("count")) }
                return sums
            }
            try expectEqual(sums.joined().sorted(), Array(1...1000), "the sums that the calls returned")
            try expectEqual(try await storage.getItem("count"), 1000, "the count")
        },
        Behavior("updating.mixedConcurrent", promise: 8, "The kinds of atomic calls hold among each other.") { store in
            let storage = store.storage
            try await add1000 { number in
                switch number % 3 {
                case 0: try await storage.updateItem("count", default: 0) { $0 += 1 }
                case 1: try await storage.incrementItem("count")
                default:
                    var isSwapped = false
                    while !isSwapped {
                        let current = try await storage.getItemRaw("count")
                        let next = (current.flatMap { Int(String(decoding: $0, as: UTF8.self)) } ?? 0) + 1
                        isSwapped = try await storage.compareAndSwapItem(
                            "count",
                            expected: current,
                            replacement: bytes("\(next)")
                        )
                    }
                }
                // Neither touching nor metadata may write back an older value.
                try await storage.touchItem("count", ttl: .seconds(3600))
                if store.capabilities.contains(.customMetadata) { try await storage.setMeta("count", ["by": number]) }
            }
            try expectEqual(try await storage.getItem("count"), 1000, "the count")
        },
        Behavior(
            "updating.increment", promise: 8,
            "incrementItem adds to a decimal number and returns the sum; absent counts as 0."
        ) { store in
            let storage = store.storage
            try expectEqual(try await storage.incrementItem("k"), 1, "the first sum")
            try expectEqual(try await storage.incrementItem("k", by: 41), 42, "the second sum")
            try expectEqual(try await storage.getItemRaw("k"), bytes("42"), "the bytes")
            try expectEqual(try await storage.incrementItem("k", by: -50), -8, "a negative sum")
            try expectEqual(try await storage.incrementItem("k", by: 0), -8, "adding nothing")
            try expectEqual(try await storage.getItem("k"), -8, "the number as a value")
            try await storage.setItem("k", Int.max - 1)
            try expectEqual(try await storage.incrementItem("k"), Int.max, "the greatest number")
            try await storage.setItem("text", "100")
            try expectEqual(try await storage.incrementItem("text"), 101, "a number stored as text")
            try expectEqual(try await storage.incrementItem("least", by: Int.min), Int.min, "the least number")
        },
        Behavior(
            "updating.incrementRefused", promise: 8,
            "Incrementing beyond 64 bits or what is no number throws; the item stays."
        ) { store in
            let storage = store.storage
            try await storage.setItem("max", Int.max)
            try await expectThrows(.overflow, "incrementItem") { try await storage.incrementItem("max") }
            try await storage.setItem("min", Int.min)
            try await expectThrows(.overflow, "incrementItem") { try await storage.incrementItem("min", by: -1) }
            try expectEqual(try await storage.getItem("max"), Int.max, "the greatest number")
            try expectEqual(try await storage.getItem("min"), Int.min, "the least number")
            for text in [
                "", "abc", "1.5", " 1", "1 ", "0x10", "9223372036854775808", "1e3", "{}", "--1", "+5", "007", "-0",
                "-07", "00", "+0", "\u{661}", "1\n", "-",
            ] {
                try await storage.setItem("k", text)
                try await expectThrows(.decoding, "incrementItem of \(text.debugDescription)") {
                    try await storage.incrementItem("k")
                }
                try expectEqual(try await storage.getItem("k"), text, "the text")
            }
        },
    ]

    /// Promise 8: who wants to update an item gets to do so, at a cost that does not grow with the crowd.
    static let fairness: [Behavior] = [
        Behavior("updating.slowBody", promise: 8, "A slow update among fast ones comes to its end.") { store in
            let storage = store.storage
            let isDone = Shared(false)
            let runs = Shared(0)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<2 {
                    group.addTask {
                        while !isDone.withLock(\.self), !Task.isCancelled {
                            try await storage.updateItem("k", default: 0) { $0 += 1 }
                            await Task.yield()
                        }
                    }
                }
                group.addTask {
                    defer { isDone.withLock { $0 = true } }
                    for _ in 0..<5 {
                        try await storage.updateItem("k", default: 0) { value in
                            let run = runs.withLock { runs in
                                runs += 1
                                return runs
                            }
                            if run > 160 { throw Refusal(reason: "starved") }
                            // What another update needs to come between, were it not held back.
                            let end = ContinuousClock.now.advanced(by: .milliseconds(2))
                            while ContinuousClock.now < end {}
                            value += 1
                        }
                    }
                }
                do {
                    try await group.waitForAll()
                } catch let refusal as Refusal where refusal.reason == "starved" {
                    let count = runs.withLock(\.self)
                    throw ConformanceFailure("expected: 5 slow updates in at most 160 runs, got \(count)", at: nil)
                }
            }
        },
        Behavior(
            "updating.bodyRuns", promise: 8,
            "Updates that wait for each other do not run in vain: 320 by 64 tasks take less than four times as many runs."
        ) { store in
            let storage = store.storage
            let runs = Shared(0)
            _ = try await concurrently(64) { _ in
                for _ in 0..<5 {
                    try await storage.updateItem("count", default: 0) { count in
                        runs.withLock { $0 += 1 }
                        count += 1
                    }
                }
            }
            try expectEqual(try await storage.getItem("count"), 320, "the count")
            let count = runs.withLock(\.self)
            try expect(count < 4 * 320, "fewer than 1,280 runs of the bodies, got \(count)")
        },
    ]

    private static func add1000(_ body: @escaping @Sendable (Int) async throws -> Void) async throws {
        _ = try await concurrently(64) { number in
            for _ in 0..<(number < 40 ? 16 : 15) { try await body(number) }
        }
    }
}

private struct Refusal: Error, Equatable {
    var reason: String
}
