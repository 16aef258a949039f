import KVStorageTesting
import Synchronization
import Testing

@testable import KVStorage

/// Reads of a near cache that are under way while something else happens.
@Suite(.timeLimit(.minutes(5))) struct CachedFlightTests {
    private let clock = ManualClock()
    private let base: MemoryDriver
    private let faults: FaultyDriver
    private let pausing: PausingDriver
    private let counting: CountingDriver
    private let driver: CachedDriver

    init() {
        self.base = MemoryDriver(.init(clock: self.clock))
        self.faults = FaultyDriver(self.base)
        self.pausing = PausingDriver(self.faults)
        self.counting = CountingDriver(self.pausing)
        self.driver = CachedDriver(self.counting, clock: self.clock)
    }

    /// Holds the next read on its way back.
    private func holdRead() -> PausingDriver.Pause { self.pausing.pause(.after) { $0.operation == .getEntries } }

    @Test func tasksThatMissOneKeyShareOneRead() async throws {
        try await self.driver.setItem("k", [1], WriteOptions())
        let pause = self.holdRead()
        let reads = (0..<50).map { number in
            Task { [driver] in
                if number.isMultiple(of: 2) { return try await driver.getItem("k") }
                return try await driver.getEntries(["k"])[0]?.value
            }
        }
        try await waitUntil { self.driver.flights.waitingCount("k") == 50 }
        pause.resume()
        for read in reads { #expect(try await read.value == [1]) }
        #expect(self.counting.calls.count { !$0.operation.isWrite } == 1)
    }

    @Test func whoeverIsCancelledWaitsNoLonger() async throws {
        try await self.driver.setItem("k", [1], WriteOptions())
        let pause = self.holdRead()
        let first = Task { [driver] in try await driver.getItem("k") }
        await pause.reached()
        let others = (0..<3).map { _ in Task { [driver] in try await driver.getItem("k") } }
        try await waitUntil { self.driver.flights.waitingCount("k") == 4 }
        first.cancel()
        others[1].cancel()
        for task in [first, others[1]] {
            let error = await #expect(throws: StorageError.self) { try await task.value }
            #expect(error?.code == .cancelled)
        }
        // The read goes on without whoever came first.
        pause.resume()
        #expect(try await others[0].value == [1])
        #expect(try await others[2].value == [1])
        #expect(self.counting.calls.count { !$0.operation.isWrite } == 1)
        #expect(self.driver.cache.count == 1)
    }

    @Test func anErrorGoesToAll() async throws {
        let pause = self.pausing.pause(.before) { $0.operation == .getEntries }
        self.faults.fail { $0.operation == .getEntries }
        let reads = (0..<5).map { _ in Task { [driver] in try await driver.getItem("k") } }
        try await waitUntil { self.driver.flights.waitingCount("k") == 5 }
        pause.resume()
        for read in reads {
            let error = await #expect(throws: StorageError.self) { try await read.value }
            #expect(error?.code == .unavailable)
        }
        #expect(try await self.driver.getItem("k") == nil, "the next one reads anew")
    }

    @Test func aReadThatAWriteOvertookServesNobodyLater() async throws {
        try await self.driver.setItem("k", [1], WriteOptions())
        let pause = self.holdRead()
        let early = Task { [driver] in try await driver.getItem("k") }
        await pause.reached()
        try await self.driver.setItem("k", [2], WriteOptions())
        #expect(try await self.driver.getItem("k") == [2], "not by the read that is under way")
        pause.resume()
        #expect(try await early.value == [1])
        #expect(try await self.driver.getItem("k") == [2])
        #expect(try await self.driver.getItems(["k"]) == [[2]])
    }

    @Test func whatIsReadWhileItIsWrittenIsNotKept() async throws {
        try await self.driver.setItem("k", [1], WriteOptions())
        let writing = self.pausing.pause(.before) { $0.operation == .set }
        let write = Task { [driver] in try await driver.setItem("k", [2], WriteOptions()) }
        await writing.reached()
        #expect(try await self.driver.getItem("k") == [1])
        #expect(self.driver.cache.count == 0)
        writing.resume()
        try await write.value
        #expect(try await self.driver.getItem("k") == [2])
        #expect(self.driver.cache.count == 1)
    }

    @Test func aWriteThatMayHaveBeenDoneIsTakenForDone() async throws {
        try await self.driver.setItem("k", [1], WriteOptions())
        #expect(try await self.driver.getItem("k") == [1])
        self.faults.fail(.after) { $0.operation == .set }
        await #expect(throws: StorageError.self) { try await self.driver.setItem("k", [2], WriteOptions()) }
        #expect(try await self.driver.getItem("k") == [2])
    }

    @Test func aSlowReadEndsAtTheDeadline() async throws {
        try await self.driver.setItem("k", [1], WriteOptions(ttl: .milliseconds(500)))
        let pause = self.holdRead()
        let early = Task { [driver] in try await driver.getItem("k") }
        await pause.reached()
        self.clock.advance(by: .milliseconds(500))
        pause.resume()
        #expect(try await early.value == nil, "the deadline has come while it was read")
        #expect(try await self.driver.getItem("k") == nil)
        #expect(self.driver.cache.count == 0)
    }

    @Test func aSlowReadAddsNothingToTheLifetime() async throws {
        try await self.driver.setItem("k", [1], WriteOptions(ttl: .milliseconds(500)))
        let pause = self.holdRead()
        let early = Task { [driver] in try await driver.getItem("k") }
        await pause.reached()
        self.clock.advance(by: .milliseconds(400))
        pause.resume()
        #expect(try await early.value == [1])
        self.clock.advance(by: .milliseconds(99))
        #expect(try await self.driver.getItem("k") == [1])
        self.clock.advance(by: .milliseconds(1))
        #expect(try await self.driver.getItem("k") == nil)
        #expect(try await self.driver.hasItem("k") == false)
        #expect(try await self.driver.getEntries(["k"]) == [nil])
    }

    @Test func aBatchIsJoinedAsAWhole() async throws {
        _ = try await self.driver.apply(["a", "b"].map { .set(key: $0, value: [1], options: WriteOptions()) })
        let pause = self.holdRead()
        let first = Task { [driver] in try await driver.getItems(["a", "b"]) }
        await pause.reached()
        let second = Task { [driver] in try await driver.getItems(["b", "a"]) }
        let single = Task { [driver] in try await driver.getItem("b") }
        try await waitUntil { self.driver.flights.waitingCount("a") == 3 }
        pause.resume()
        #expect(try await first.value == [[1], [1]])
        #expect(try await second.value == [[1], [1]])
        #expect(try await single.value == [1])
        #expect(self.counting.calls.count { !$0.operation.isWrite } == 1)
    }

    @Test func aBatchIsNeverPutTogetherOfOldAndNew() async throws {
        let batch = ["a", "b"].map { Mutation.set(key: $0, value: [1], options: WriteOptions()) }
        _ = try await self.driver.apply(batch)
        // `a` is read before the next batch is written, `b` after it.
        let pause = self.holdRead()
        let early = Task { [driver] in try await driver.getItem("a") }
        await pause.reached()
        _ = try await self.driver.apply(
            ["a", "b"].map { .set(key: $0, value: [2], options: WriteOptions()) })
        #expect(try await self.driver.getItem("b") == [2])
        pause.resume()
        #expect(try await early.value == [1])
        #expect(try await self.driver.getItems(["a", "b"]) == [[2], [2]])
        #expect(try await self.driver.getItems(["b", "a"]) == [[2], [2]])
    }

    @Test func limitedViewsShareWhatIsCached() async throws {
        struct Limitable: ForwardingDriver {
            let base: any StorageDriver
            func limited(to limit: Duration) throws(StorageError) -> any StorageDriver { self }
        }
        let counting = CountingDriver(Limitable(base: MemoryDriver(.init(clock: self.clock))))
        let driver = CachedDriver(counting, clock: self.clock)
        let view = try driver.limited(to: .seconds(1))
        try await driver.setItem("k", [1], WriteOptions())
        #expect(try await view.getItem("k") == [1])
        _ = counting.reset()
        #expect(try await driver.getItem("k") == [1])
        #expect(counting.reset() == [], "cached by the view")
        try await view.setItem("k", [2], WriteOptions())
        #expect(try await driver.getItem("k") == [2])
        try await view.dispose()
        let error = await #expect(throws: StorageError.self) { try await driver.getItem("k") }
        #expect(error?.code == .closed)
    }
}
