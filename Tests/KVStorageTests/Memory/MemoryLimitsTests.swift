import KVStorageTesting
import Testing

@testable import KVStorage

@Suite struct MemoryLimitsTests {
    @Test func holdsNoMoreItemsThanItMay() async throws {
        let storage = Storage(.memory(maximumItems: 100))
        let watcher = try await storage.watch("", bufferSize: 10_000)
        for number in 0..<1000 {
            try await storage.setItem("k\(number)", number)
            #expect(try await storage.getItem("k\(number)") == number, "the newest item stays")
        }
        let keys = try await storage.getKeys()
        #expect(keys.count == 100)
        try await storage.dispose()
        var removed = 0
        for await event in watcher { if case .remove(_, .evicted) = event { removed += 1 } }
        #expect(removed == 900, "every eviction is told")
    }

    @Test func holdsNoMoreBytesThanItMay() async throws {
        let storage = Storage(.memory(maximumBytes: 30_000))
        for number in 0..<200 { try await storage.setItemRaw("k\(number)", [UInt8](repeating: 0, count: 96)) }
        let keys = try await storage.getKeys()
        let bytes = keys.map { $0.utf8.count + 96 + 160 }.reduce(0, +)
        #expect(bytes <= 30_000)
        #expect(keys.count > 100, "not far below the limit")
        try await storage.setItemRaw("large", [UInt8](repeating: 0, count: 27_000))
        #expect(try await storage.getItemRaw("large")?.count == 27_000)
        #expect(try await storage.getKeys().count <= 11)
    }

    @Test func refusesWhatIsLargerThanAll() async throws {
        let storage = Storage(.memory(maximumBytes: 1000))
        try await storage.setItemRaw("k", [1])
        let error = await #expect(throws: StorageError.self) {
            try await storage.setItemRaw("k", [UInt8](repeating: 0, count: 840))
        }
        #expect(error?.code == .tooLarge)
        #expect(error?.key == "k")
        #expect(try await storage.getItemRaw("k") == [1])
        try await storage.setItemRaw("k", [UInt8](repeating: 0, count: 839))
        // What it keeps beside it counts too.
        try await storage.setItemRaw("k", [1])
        try await storage.setMeta("k", String(repeating: "x", count: 400))
        await #expect(throws: StorageError.self) {
            try await storage.setItemRaw("k", [UInt8](repeating: 0, count: 500))
        }
        await #expect(throws: StorageError.self) {
            try await storage.setItemsRaw([("k", [UInt8](repeating: 0, count: 500))])
        }
        #expect(try await storage.getItemRaw("k") == [1])
    }

    @Test func aBatchThatFindsNoRoomIsRefusedWhole() async throws {
        let few = Storage(.memory(maximumItems: 3))
        try await few.setItems([("old", 1), ("older", 2)])
        let items = await #expect(throws: StorageError.self) {
            try await few.setItems((0..<10).map { ("k\($0)", $0) })
        }
        #expect(items?.code == .tooLarge)
        #expect(try await few.getKeys().sorted() == ["old", "older"])
        // Twins count once, and what is removed not at all.
        try await few.setItems((0..<10).map { ("k\($0 % 3)", $0) })
        #expect(try await few.getItems(["k0", "k1", "k2"], as: Int.self) == [9, 7, 8], "none evicted by the others")
        try await few.removeItems((0..<10).map { "k\($0)" })

        let small = Storage(.memory(maximumBytes: 1000))
        let bytes = await #expect(throws: StorageError.self) {
            try await small.setItemsRaw((0..<7).map { ("k\($0)", [1]) })
        }
        #expect(bytes?.code == .tooLarge)
        #expect(try await small.getKeys().isEmpty)
        try await small.setItemsRaw((0..<5).map { ("a\($0)", [1]) })
        try await small.setItemsRaw((0..<5).map { ("b\($0)", [1]) })
        let keys = try await small.getKeys()
        #expect(keys.count <= 6)
        #expect(keys.filter { $0.utf8.first == UInt8(ascii: "b") }.count == 5, "none evicted by the others")
    }

    @Test func whatIsReadStaysLonger() async throws {
        let storage = Storage(.memory(maximumItems: 200))
        for number in 0..<20 { try await storage.setItem("hot\(number)", number) }
        for round in 0..<2000 {
            for number in 0..<20 where round.isMultiple(of: 20) {
                _ = try await storage.getItem("hot\(number)", as: Int.self)
            }
            try await storage.setItem("cold\(round)", round)
        }
        let hot = try await storage.getKeys().count { $0.hasPrefix("hot") }
        #expect(hot == 20)
    }

    @Test func removingMakesRoom() async throws {
        let storage = Storage(.memory(maximumItems: 10))
        for round in 0..<50 {
            try await storage.setItem("a\(round)", 1)
            try await storage.removeItem("a\(round)")
        }
        for number in 0..<10 { try await storage.setItem("b\(number)", number) }
        #expect(try await storage.getKeys().count == 10)
        #expect(try await storage.clear() == 10)
        for number in 0..<10 { try await storage.setItem("c\(number)", number) }
        #expect(try await storage.getKeys().count == 10)
    }

    @Test func expiryMakesRoom() async throws {
        let clock = ManualClock()
        let storage = Storage(MemoryDriver(.init(maximumItems: 10, clock: clock)))
        for number in 0..<9 { try await storage.setItem("old\(number)", 1, ttl: .seconds(1)) }
        try await storage.setItem("ever", 1)
        let watcher = try await storage.watch()
        clock.advance(by: .seconds(1))
        var iterator = watcher.makeAsyncIterator()
        for _ in 0..<9 {
            guard case .remove(_, .expired) = try await iterator.next() else {
                Issue.record("no event of an item that expired")
                break
            }
        }
        for number in 0..<9 { try await storage.setItem("new\(number)", 1) }
        #expect(try await storage.getItem("ever") == 1)
    }

    @Test func whatHadExpiredIsNotEvicted() throws {
        var shard = MemoryShard(usage: MemoryUsage(maximumItems: 1, maximumBytes: nil))
        let now = Timestamp(milliseconds: 0)
        for (key, ttl) in [("ever", TTL.forever), ("brief", .seconds(1)), ("later", .seconds(9))] {
            _ = try shard.set(key, keyHash(key), [1], WriteOptions(ttl: ttl), now)
        }
        var causes: [String: Bool] = [:]
        let later = now.advanced(by: .seconds(1))
        while let (key, hadExpired) = shard.evict(sparing: { _ in false }, at: later) { causes[key] = hadExpired }
        #expect(causes == ["ever": false, "brief": true, "later": false])
    }

    @Test func aLimitOfNothingHoldsNothing() async throws {
        let storage = Storage(.memory(maximumItems: 0))
        for number in 0..<5 { try await storage.setItem("k\(number)", number) }
        try await storage.incrementItem("n")
        #expect(try await storage.getKeys().isEmpty)
        let nothing = Storage(.memory(maximumBytes: 0))
        let error = await #expect(throws: StorageError.self) { try await nothing.setItemRaw("k", []) }
        #expect(error?.code == .tooLarge)
    }

    @Test func removedLifetimesLeaveNothingBehind() async throws {
        var shard = MemoryShard(usage: MemoryUsage(maximumItems: nil, maximumBytes: nil))
        let now = Timestamp(milliseconds: 0)
        for number in 0..<10_000 {
            let key = "k\(number)"
            _ = try shard.set(key, keyHash(key), [], WriteOptions(ttl: .seconds(600)), now)
            guard let item = shard.item(key, keyHash(key)) else { continue }
            shard.remove(item)
        }
        let count = shard.deadlineCount
        #expect(count <= 65)
        for number in 0..<200 {
            let key = "k\(number)"
            _ = try shard.set(key, keyHash(key), [], WriteOptions(ttl: .seconds(number + 1)), now)
        }
        for number in 0..<150 {
            let key = "k\(number)"
            if let item = shard.item(key, keyHash(key)) { shard.setDeadline(item, nil) }
        }
        let (keys, next) = shard.removeExpired(by: Timestamp(milliseconds: 180_000), atMost: 1000)
        #expect(keys == (150..<180).map { "k\($0)" }, "in the order of their deadlines")
        #expect(next == Timestamp(milliseconds: 181_000))
    }

    @Test func concurrentWritersKeepTheLimits() async throws {
        let storage = Storage(.memory(maximumBytes: 40_000, maximumItems: 150))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<8 {
                group.addTask {
                    for number in 0..<300 {
                        try await storage.setItemRaw("w\(writer):\(number)", [UInt8](repeating: 1, count: number % 200))
                        if number.isMultiple(of: 7) { try await storage.removeItem("w\(writer):\(number - 3)") }
                    }
                }
            }
            try await group.waitForAll()
        }
        let keys = try await storage.getKeys()
        #expect(keys.count <= 150)
        let sizes = try await storage.getItemsRaw(keys).map { $0?.count ?? 0 }
        #expect(zip(keys, sizes).map { $0.utf8.count + $1 + 160 }.reduce(0, +) <= 40_000)
    }

    @Test func declaresWhatItIs() {
        let plain = MemoryDriver().capabilities
        #expect(
            plain.contains(.atomicCommit) && plain.contains(.orderedKeys) && plain.contains(.customMetadata)
                && !plain.contains(.evicts))
        #expect(plain.durability == .none && plain.watching == .local && !plain.contains(.interprocess))
        #expect(MemoryDriver(.init(maximumItems: 1)).capabilities.contains(.evicts))
        #expect(MemoryDriver(.init(maximumBytes: 1000)).capabilities.maximumValueBytes == 840)
    }
}
