import KVStorageTesting
import Synchronization
import Testing

@testable import KVStorage

/// What an overlay asks its layers, and what it emits.
@Suite(.timeLimit(.minutes(5))) struct OverlayCallTests {
    private let clock = ManualClock()
    private let top: CountingDriver
    private let lower: CountingDriver
    private let driver: OverlayDriver

    init() throws {
        self.top = CountingDriver(MemoryDriver(.init(clock: self.clock)))
        self.lower = CountingDriver(MemoryDriver(.init(clock: self.clock)))
        self.driver = try OverlayDriver([self.top, self.lower])
    }

    private func reset() -> (top: [DriverCall.Operation], lower: [DriverCall.Operation]) {
        (self.top.reset().map(\.operation), self.lower.reset().map(\.operation))
    }

    @Test func whatNoLowerLayerHasIsOnePlainWrite() async throws {
        try await self.driver.setItem("k", [1], WriteOptions())
        var calls = self.reset()
        #expect(calls.top == [.set])
        #expect(calls.lower == [.has])
        #expect(try await self.driver.getItem("k") == [1])
        calls = self.reset()
        #expect(calls.top == [.get])
        #expect(calls.lower == [])
    }

    @Test func whatIsHiddenAlreadyIsOnePlainWrite() async throws {
        try await self.lower.setItem("n", Array("1".utf8), WriteOptions())
        #expect(try await self.driver.incrementItem("n", by: 1, WriteOptions()) == 2)
        _ = self.reset()
        #expect(try await self.driver.incrementItem("n", by: 1, WriteOptions()) == 3)
        #expect(self.reset().top == [.has, .increment])
    }

    @Test func presenceReadsNoValues() async throws {
        try await self.lower.setItem("k", [1], WriteOptions())
        _ = self.reset()
        #expect(try await self.driver.hasItem("k"))
        #expect(try await self.driver.hasItem("absent") == false)
        let calls = self.reset()
        #expect(Set(calls.top + calls.lower) == [.has])
        #expect(try await self.driver.getMeta("k") != nil)
        let meta = self.reset()
        #expect(meta.top == [.getMeta, .has])
        #expect(meta.lower == [.getMeta])
    }

    @Test func aBatchIsOneForEachLayer() async throws {
        let keys = (0..<100).map { "k\($0)" }
        for key in keys.prefix(50) { try await self.lower.setItem(key, [0], WriteOptions()) }
        for key in keys.suffix(60) { try await self.driver.setItem(key, [1], WriteOptions()) }
        _ = self.reset()
        let values = try await self.driver.getItems(keys)
        #expect(values == keys.indices.map { $0 < 40 ? [0] : [1] })
        var calls = self.reset()
        #expect(calls.top == [.getMany])
        #expect(calls.lower == [.getMany])
        #expect(try await self.driver.getEntries(keys).count { $0 != nil } == 100)
        calls = self.reset()
        #expect(calls.top == [.getEntries])
        #expect(calls.lower == [.getEntries])
        _ = try await self.driver.apply(keys.map { .set(key: $0, value: [2], options: WriteOptions()) })
        calls = self.reset()
        #expect(calls.top == [.getEntries, .getEntries, .commit] || calls.top == [.getEntries, .commit])
        #expect(calls.lower.count <= 2)
    }

    @Test func listingAndClearingCostBatches() async throws {
        let keys = (0..<1000).map { "k\($0)" }
        _ = try await self.lower.apply(keys.map { .set(key: $0, value: [0], options: WriteOptions()) })
        _ = try await self.driver.apply(
            (0..<100).map { .set(key: "k\($0)", value: [1], options: WriteOptions()) }
                + (0..<100).map { .set(key: "new\($0)", value: [1], options: WriteOptions()) })
        #expect(try await self.driver.removeItem("k999"))
        _ = self.reset()
        let storage = Storage(self.driver)
        let listed = try await storage.getKeys()
        #expect(Set(listed) == Set(keys.dropLast() + (0..<100).map { "new\($0)" }))
        #expect(listed.count == 1099)
        var calls = self.reset()
        #expect(calls.top.count + calls.lower.count <= 12, "\(calls)")
        #expect(!calls.top.contains(.has) && !calls.lower.contains(.has))
        #expect(try await self.driver.clear("") == 1099)
        calls = self.reset()
        #expect(calls.top.count + calls.lower.count <= 40, "\(calls)")
        #expect(calls.top.count { $0 == .commit || $0 == .apply } <= 3)
        #expect(try await storage.getKeys() == [])
    }

    /// What whoever watches the overlay gets of a write.
    private func events(of write: () async throws -> Void) async throws -> [StorageEvent] {
        let events = Mutex<[StorageEvent]>([])
        let hub = try #require(self.driver.events)
        let id = hub.addObserver { event in events.withLock { $0.append(event) } }
        try await write()
        hub.removeObserver(id)
        return events.withLock { $0 }
    }

    @Test func oneWriteEmitsOneEvent() async throws {
        let writes: [(StorageEvent, @Sendable (OverlayDriver) async throws -> Void)] = [
            (.update("k"), { try await $0.setItem("k", [1], WriteOptions(ttl: .seconds(9))) }),
            (.remove("k", .removed), { _ = try await $0.removeItem("k") }),
            (.update("k"), { _ = try await $0.touchItem("k", ttl: .seconds(9)) }),
            (.update("k"), { _ = try await $0.setMeta("k", [1]) }),
            (.update("k"), { _ = try await $0.incrementItem("k", by: 1, WriteOptions()) }),
            (.remove("k", .removed), { _ = try await $0.takeItem("k") }),
            (.remove("k", .removed), { _ = try await $0.clear("") }),
            (.remove("k", .removed), { _ = try await $0.apply([.remove(key: "k"), .remove(key: "k")]) }),
            (.update("k"), { _ = try await $0.commit(Commit(mutations: [.touch(key: "k", ttl: .seconds(9))])) }),
        ]
        for (expected, write) in writes {
            for key in ["k", Tombstone.of("k")] { _ = try await self.top.removeItem(key) }
            try await self.lower.setItem("k", Array("1".utf8), WriteOptions())
            // What only the lower layer has, then what both have, then what is hidden.
            #expect(try await self.events { try await write(self.driver) } == [expected])
            try await self.driver.setItem("k", Array("1".utf8), WriteOptions())
            #expect(try await self.events { try await write(self.driver) } == [expected])
        }
    }

    @Test func whatHidesSomethingForAnotherOverlayIsAGap() async throws {
        try await self.lower.setItem("k", [0], WriteOptions())
        let other = try OverlayDriver([self.top, self.lower])
        #expect(try await self.events { _ = try await other.removeItem("k") } == [.lagged])
        #expect(try await self.driver.hasItem("k") == false)
    }

    @Test func whatChangesNothingEmitsNothing() async throws {
        try await self.lower.setItem("k", [0], WriteOptions())
        let events = try await self.events {
            _ = try await self.driver.touchItem("k", ttl: .keep)
            _ = try await self.driver.removeItem("absent")
            _ = try await self.driver.compareAndSwapItem("k", expected: [9], replacement: [1], WriteOptions())
            _ = try await self.driver.commit(Commit(checks: [.init("k", .absent)], mutations: [.remove(key: "k")]))
        }
        #expect(events == [])
        #expect(try await self.driver.getItem("k") == [0])
    }
}
