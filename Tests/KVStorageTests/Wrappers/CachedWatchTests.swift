import KVStorageTesting
import Synchronization
import Testing

@testable import KVStorage

/// How a near cache notices what others write.
@Suite(.timeLimit(.minutes(5))) struct CachedWatchTests {
    /// Emits what a test tells it to, as if other processes wrote.
    private final class External: ForwardingDriver {
        let base: any StorageDriver
        let hub = EventHub()
        private let starts = Mutex(0)
        private let isFailing = Mutex(false)

        init(_ base: some StorageDriver) {
            self.base = base
        }

        var events: EventHub? { self.hub }
        var startCount: Int { self.starts.withLock { $0 } }
        var fails: Bool {
            get { self.isFailing.withLock { $0 } }
            set { self.isFailing.withLock { $0 = newValue } }
        }

        var capabilities: Capabilities {
            var capabilities = self.base.capabilities
            capabilities.watching = .external
            return capabilities
        }

        func startWatching() async throws(StorageError) {
            self.starts.withLock { $0 += 1 }
            if self.fails { throw StorageError(.unavailable, "a test made watching fail") }
        }
    }

    private let clock = ManualClock()
    private let base: MemoryDriver
    private let external: External
    private let driver: CachedDriver

    init() {
        self.base = MemoryDriver(.init(clock: self.clock))
        self.external = External(self.base)
        self.driver = CachedDriver(self.external, clock: self.clock)
    }

    private func readWatched(_ key: String) async throws -> [UInt8]? {
        _ = try await self.driver.getItem(key)
        try await waitUntil { self.driver.cache.watch.isActive }
        return try await self.driver.getItem(key)
    }

    @Test func itWatchesByItselfFromTheFirstReadOn() async throws {
        try await self.base.setItem("k", [1], WriteOptions())
        #expect(self.external.startCount == 0)
        #expect(try await self.readWatched("k") == [1])
        #expect(self.external.startCount == 1)
        try await self.base.setItem("k", [2], WriteOptions())
        #expect(try await self.driver.getItem("k") == [1], "nothing has been emitted yet")
        self.external.hub.emit(.update("k"))
        #expect(try await self.driver.getItem("k") == [2])
        _ = try await self.base.removeItem("k")
        self.external.hub.emit(.remove("k", .removed))
        #expect(try await self.driver.getItem("k") == nil)
        #expect(self.external.startCount == 1)
    }

    @Test func aGapForgetsEverything() async throws {
        try await self.base.setItem("k", [1], WriteOptions())
        #expect(try await self.readWatched("k") == [1])
        try await self.base.setItem("k", [2], WriteOptions())
        self.external.hub.emit(.lagged)
        #expect(try await self.driver.getItem("k") == [2])
    }

    @Test func anEventOvertakesAReadThatIsUnderWay() async throws {
        let pausing = PausingDriver(self.base)
        let external = External(pausing)
        let driver = CachedDriver(external, clock: self.clock)
        try await self.base.setItem("k", [1], WriteOptions())
        _ = try await driver.getItem("other")
        try await waitUntil { driver.cache.watch.isActive }
        let pause = pausing.pause(.after) { $0.operation == .getEntries }
        let early = Task { try await driver.getItem("k") }
        await pause.reached()
        try await self.base.setItem("k", [2], WriteOptions())
        external.hub.emit(.update("k"))
        pause.resume()
        #expect(try await early.value == [1])
        #expect(try await driver.getItem("k") == [2])
    }

    @Test func whenWatchingEndsItIsBegunAgain() async throws {
        try await self.base.setItem("k", [1], WriteOptions())
        #expect(try await self.readWatched("k") == [1])
        self.external.hub.end()
        #expect(self.driver.cache.count == 0)
        try await self.base.setItem("k", [2], WriteOptions())
        #expect(try await self.driver.getItem("k") == [2])
        #expect(self.external.startCount == 1, "not at once")
        self.clock.advance(by: CacheWatch.pause)
        _ = try await self.driver.getItem("other")
        try await waitUntil { self.driver.cache.watch.isActive }
        #expect(self.external.startCount == 2)
        // What was kept while nothing watched is not kept any longer.
        try await waitUntil { self.driver.cache.count == 0 }
        #expect(self.driver.cache.count == 0)
    }

    @Test func whatCannotBeWatchedIsCachedForTheMaximumAge() async throws {
        self.external.fails = true
        try await self.base.setItem("k", [1], WriteOptions())
        _ = try await self.driver.getItem("k")
        try await waitUntil { self.driver.cache.watch.allowsKeeping }
        #expect(try await self.driver.getItem("k") == [1])
        #expect(self.driver.cache.count == 1)
        #expect(self.external.startCount == 1)
        self.clock.advance(by: .seconds(60))
        try await self.base.setItem("k", [2], WriteOptions())
        #expect(try await self.driver.getItem("k") == [2])
    }

    @Test func whoeverWatchesTheCacheReadsWhatWasEmitted() async throws {
        try await self.base.setItem("k", [1], WriteOptions())
        #expect(try await self.readWatched("k") == [1])
        try await self.base.setItem("k", [2], WriteOptions())
        let seen = Mutex<[StorageEvent]>([])
        let hub = try #require(self.driver.events)
        let id = hub.addObserver { event in
            // Observers are called in turn: the cache comes before them.
            if self.driver.cache.count == 0 { seen.withLock { $0.append(event) } }
        }
        self.external.hub.emit(.update("k"))
        #expect(seen.withLock { $0 } == [.update("k")])
        hub.removeObserver(id)
    }

    /// Emits under a lock that its reads take too.
    private final class EmitsUnderALock: ForwardingDriver {
        let base: any StorageDriver = MemoryDriver()
        let hub = EventHub()
        private let lock = Mutex(())

        var events: EventHub? { self.hub }

        func around<Result>(
            _ call: DriverCall,
            _ body: () async throws(StorageError) -> Result
        ) async throws(StorageError) -> Result {
            let result = try await body()
            self.lock.withLock { _ in
                if call.operation.isWrite { for key in call.keys { self.hub.emit(.update(key)) } }
            }
            return result
        }
    }

    @Test func nothingWaitsForItself() async throws {
        let engine = EmitsUnderALock()
        let inner = CachedDriver(engine, maximumItems: 20)
        let outer = CachedDriver(inner, maximumItems: 20)
        let crossed = CachedDriver(inner, maximumItems: 20)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for driver in [inner, outer, crossed] {
                for start in 0..<4 {
                    group.addTask {
                        for number in 0..<200 {
                            let key = "k\((number + start) % 40)"
                            try await driver.setItem(key, [UInt8(number)], WriteOptions())
                            _ = try await driver.getItems([key, "k1", "k2"])
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        try await inner.setItem("k1", [99], WriteOptions())
        for driver in [inner, outer, crossed] { #expect(try await driver.getItem("k1") == [99]) }
    }
}
