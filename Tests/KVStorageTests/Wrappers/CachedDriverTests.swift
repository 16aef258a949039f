import KVStorageTesting
import Testing

@testable import KVStorage

/// What a near cache answers, and from where.
@Suite(.timeLimit(.minutes(5))) struct CachedDriverTests {
    private let clock = ManualClock()

    /// A cache over memory, with what it asks for counted.
    private func make(
        maximumBytes: Int = 64 << 20,
        maximumItems: Int? = nil
    ) -> (driver: CachedDriver, counting: CountingDriver, base: MemoryDriver) {
        let base = MemoryDriver(.init(clock: self.clock))
        let counting = CountingDriver(base)
        let driver = CachedDriver(
            counting, maximumBytes: maximumBytes, maximumItems: maximumItems, clock: self.clock)
        return (driver, counting, base)
    }

    @Test func twoCachesShareNothing() async throws {
        let storage = Storage()
        let (first, second) = (MemoryDriver(), MemoryDriver())
        try storage.mount("tenantA", .cached(first))
        try storage.mount("tenantB", .cached(second))
        try await storage.setItem("tenantA:secret", "A's")
        #expect(try await storage.getItem("tenantA:secret") == "A's")
        #expect(try await storage.getItem("tenantB:secret", as: String.self) == nil)
        #expect(try await storage.getItems(["tenantB:secret"], as: String.self) == [nil])
    }

    @Test func everyReadIsAnsweredFromTheCache() async throws {
        let (driver, counting, _) = self.make()
        try await driver.setItem("k", [1, 2], WriteOptions(ttl: .seconds(60)))
        #expect(try await driver.setMeta("k", [7]))
        _ = counting.reset()
        #expect(try await driver.getItem("k") == [1, 2])
        #expect(counting.reset() == [DriverCall(.getEntries, ["k"])])
        self.clock.advance(by: .seconds(10))
        #expect(try await driver.getItem("k") == [1, 2])
        #expect(try await driver.hasItem("k"))
        #expect(try await driver.getItems(["k", "k"]) == [[1, 2], [1, 2]])
        let meta = try #require(try await driver.getMeta("k"))
        #expect(meta.ttl == .seconds(50), "as of now, not as of when it was cached")
        #expect(meta.fieldBytes == [7])
        #expect(meta.size == 2)
        let entries = try await driver.getEntries(["k"])
        #expect(entries[0]?.meta.ttl == .seconds(50))
        #expect(entries[0]?.value == [1, 2])
        #expect(counting.reset() == [])
    }

    @Test func absentItemsAreNotCached() async throws {
        let (driver, counting, base) = self.make()
        #expect(try await driver.getItem("k") == nil)
        #expect(try await driver.getEntries(["k"]) == [nil])
        #expect(counting.reset().count == 2)
        try await base.setItem("k", [1], WriteOptions())
        #expect(try await driver.getItem("k") == [1])
    }

    @Test func presenceAndMetadataFetchNoValue() async throws {
        let (driver, counting, _) = self.make()
        try await driver.setItem("k", [1], WriteOptions())
        _ = counting.reset()
        #expect(try await driver.hasItem("k"))
        #expect(try await driver.getMeta("k") != nil)
        #expect(counting.reset() == [DriverCall(.has, ["k"]), DriverCall(.getMeta, ["k"])])
        #expect(driver.cache.count == 0)
    }

    @Test func aColdBatchIsOneCall() async throws {
        let (driver, counting, _) = self.make()
        let keys = (0..<100).map { "k\($0)" }
        _ = try await driver.apply(keys.map { .set(key: $0, value: [1], options: WriteOptions()) })
        _ = counting.reset()
        #expect(try await driver.getItems(keys).count { $0 == [1] } == 100)
        #expect(counting.reset() == [DriverCall(.getEntries, keys)])
        #expect(try await driver.getItems(keys).count { $0 == [1] } == 100)
        #expect(try await driver.getEntries(Array(keys.reversed())).count { $0?.value == [1] } == 100)
        #expect(counting.reset() == [])
        // One is missing: all are read, so that they are of one moment.
        try await driver.setItem("k7", [2], WriteOptions())
        _ = counting.reset()
        #expect(try await driver.getItems(keys)[7] == [2])
        #expect(counting.reset() == [DriverCall(.getEntries, keys)])
    }

    @Test func whereBatchesAreNotWholeOnlyWhatIsMissingIsRead() async throws {
        let counting = CountingDriver(MinimalDriver(clock: self.clock))
        let driver = CachedDriver(counting, clock: self.clock)
        for key in ["a", "b", "c"] { try await driver.setItem(key, [1], WriteOptions()) }
        #expect(try await driver.getItem("b") == [1])
        _ = counting.reset()
        #expect(try await driver.getItems(["a", "b", "c", "d"]) == [[1], [1], [1], nil])
        #expect(counting.reset() == [DriverCall(.getEntries, ["a", "c", "d"])])
    }

    @Test func whatIsWrittenIsForgottenAndNothingElse() async throws {
        let writes: [(String, @Sendable (CachedDriver) async throws -> Void)] = [
            ("set", { try await $0.setItem("k", [2], WriteOptions()) }),
            ("remove", { _ = try await $0.removeItem("k") }),
            (
                "swap",
                { _ = try await $0.compareAndSwapItem("k", expected: [9], replacement: [2], WriteOptions()) }
            ),
            ("touch", { _ = try await $0.touchItem("k", ttl: .seconds(9)) }),
            ("take", { _ = try await $0.takeItem("k") }),
            ("increment", { _ = try? await $0.incrementItem("k", by: 1, WriteOptions()) }),
            ("meta", { _ = try await $0.setMeta("k", [1]) }),
            ("apply", { _ = try await $0.apply([.remove(key: "k"), .remove(key: "l")]) }),
            (
                "commit",
                { _ = try await $0.commit(Commit(checks: [.init("other", .present)], mutations: [.remove(key: "k")])) }
            ),
            ("failed commit", { _ = try await $0.commit(Commit(checks: [.init("k", .absent)])) }),
        ]
        for (name, write) in writes {
            let (driver, counting, _) = self.make()
            for key in ["k", "other"] {
                try await driver.setItem(key, [1], WriteOptions())
                _ = try await driver.getItem(key)
            }
            #expect(driver.cache.count == 2)
            try await write(driver)
            #expect(driver.cache.count == 1, "\(name)")
            _ = counting.reset()
            #expect(try await driver.getItem("other") == [1])
            #expect(counting.reset() == [], "\(name)")
        }
    }

    @Test func clearingForgetsWhatIsBelow() async throws {
        let (driver, counting, _) = self.make()
        for key in ["a:1", "a:2", "b", "a"] {
            try await driver.setItem(key, [1], WriteOptions())
            _ = try await driver.getItem(key)
        }
        #expect(try await driver.clear("a:") == 2)
        _ = counting.reset()
        #expect(try await driver.getItem("b") == [1])
        #expect(try await driver.getItem("a") == [1])
        #expect(counting.reset() == [])
        #expect(try await driver.getItem("a:1") == nil)
        #expect(counting.reset().count == 1)
    }

    @Test func aReadOnlyCommitLeavesTheCacheAlone() async throws {
        let (driver, counting, _) = self.make()
        try await driver.setItem("k", [1], WriteOptions())
        _ = try await driver.getItem("k")
        let outcome = try await driver.commit(Commit(checks: [.init("k", .bytes([1]))]))
        #expect(outcome == .committed(found: []))
        _ = counting.reset()
        #expect(try await driver.getItem("k") == [1])
        #expect(counting.reset() == [])
    }

    @Test func updatesDecideByTheStore() async throws {
        struct Insufficient: Error {}
        // Another process, of whose writes nothing is emitted.
        let base = MemoryDriver()
        let storage = Storage(CachedDriver(MaskedDriver(base: base), clock: self.clock))
        let other = Storage(base)
        try await storage.setItem("balance", 0)
        #expect(try await storage.getItem("balance") == 0)
        try await other.setItem("balance", 100)
        try await storage.updateItem("balance", default: 0) { balance in
            if balance < 10 { throw Insufficient() }
            balance -= 10
        }
        #expect(try await other.getItem("balance") == 90)
        #expect(try await storage.getItem("balance") == 90)
        try await other.setItem("balance", 5)
        #expect(try await storage.getItem("balance") == 90, "as old as that it may be")
        #expect(try await storage.takeItem("balance") == 5)
    }

    @Test func anItemIsNeverOlderThanTheMaximum() async throws {
        let base = MemoryDriver()
        let driver = CachedDriver(MaskedDriver(base: base), maximumAge: .seconds(60), clock: self.clock)
        try await base.setItem("k", [1], WriteOptions())
        #expect(try await driver.getItem("k") == [1])
        try await base.setItem("k", [2], WriteOptions())
        self.clock.advance(by: .milliseconds(59_999))
        #expect(try await driver.getItem("k") == [1])
        self.clock.advance(by: .milliseconds(1))
        #expect(try await driver.getItem("k") == [2])
        // Nor is it where the clock is turned back.
        try await base.setItem("k", [3], WriteOptions())
        self.clock.advance(by: .seconds(-3600))
        #expect(try await driver.getItem("k") == [3])
    }

    @Test func limitsAreKept() async throws {
        let (driver, _, _) = self.make(maximumItems: 10)
        for number in 0..<100 {
            try await driver.setItem("k\(number)", [1], WriteOptions())
            #expect(try await driver.getItem("k\(number)") == [1])
        }
        #expect(driver.cache.count == 10)
        let (small, counting, _) = self.make(maximumBytes: 10_000)
        try await small.setItem("large", [UInt8](repeating: 1, count: 20_000), WriteOptions())
        #expect(try await small.getItem("large")?.count == 20_000)
        #expect(small.cache.count == 0, "larger than the cache")
        for number in 0..<100 {
            try await small.setItem("k\(number)", [UInt8](repeating: 1, count: 1000), WriteOptions())
            _ = try await small.getItem("k\(number)")
        }
        #expect((5...8).contains(small.cache.count), "with what an item takes beside its bytes")
        // What is used stays.
        for number in 0..<100 {
            _ = try await small.getItem("k99")
            _ = try await small.getItem("k\(number)")
        }
        _ = counting.reset()
        _ = try await small.getItem("k99")
        #expect(counting.reset() == [])
    }

    @Test func nothingIsKeptWhereNothingMayBe() async throws {
        for driver in [
            CachedDriver(MemoryDriver(), maximumBytes: 0), CachedDriver(MemoryDriver(), maximumItems: 0),
            CachedDriver(MemoryDriver(), maximumBytes: -1), CachedDriver(MemoryDriver(), maximumAge: .zero),
        ] {
            try await driver.setItem("k", [1], WriteOptions())
            #expect(try await driver.getItem("k") == [1])
            #expect(driver.cache.count == 0)
        }
    }

    @Test func disposingGivesTheMemoryBackAndEndsReads() async throws {
        let (driver, _, _) = self.make()
        try await driver.setItem("k", [1], WriteOptions())
        _ = try await driver.getItem("k")
        try await driver.dispose()
        #expect(driver.cache.count == 0)
        let error = await #expect(throws: StorageError.self) { try await driver.getItem("k") }
        #expect(error?.code == .closed)
        try await driver.dispose()
    }

    @Test func capabilitiesSayHowOldAReadMayBe() {
        let overMemory = CachedDriver(MemoryDriver()).capabilities
        #expect(overMemory.features == MemoryDriver().capabilities.features.union(.readsMayBeOld))
        let shared = MaskedDriver(base: MemoryDriver(), features: [.atomicCommit, .wholeReads, .interprocess])
        #expect(CachedDriver(shared).capabilities.features == [.atomicCommit, .interprocess, .readsMayBeOld])
    }
}
