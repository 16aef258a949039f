import KVStorageTesting
import Synchronization
import Testing

@testable import KVStorage

@Suite(.timeLimit(.minutes(5))) struct WatchedMountsTests {
    /// Can't begin to watch.
    private struct Unreachable: ForwardingDriver {
        let base: any StorageDriver = MemoryDriver()

        func startWatching() async throws(StorageError) { throw StorageError(.unavailable, "out of reach; try later") }
    }

    /// Returns the events before that of the key `end`, which is written now.
    private func told(
        _ stream: some AsyncSequence<StorageEvent, Never>, _ storage: Storage, end: String
    ) async throws -> [StorageEvent] {
        try await storage.setItem(end, 1)
        var events: [StorageEvent] = []
        for await event in stream {
            if event == .update(end) { break }
            events.append(event)
        }
        return events
    }

    @Test func onlyWhatConcernsTheBaseIsStarted() async throws {
        let storage = Storage()
        try storage.mount("remote", Unreachable())
        try storage.mount("local:inner", .memory)
        let stream = try await storage.watch("local")
        _ = try await storage.prefixed("local").watch("inner:deep")
        try await storage.setItem("remote:x", 1)
        try await storage.setItem("local:inner:a", 1)
        #expect(try await self.told(stream, storage, end: "local:end") == [.update("local:inner:a")])
        for base in ["", "remote", "remote:below"] {
            let error = await #expect(throws: StorageError.self) { try await storage.watch(base) }
            #expect(error?.code == .unavailable)
        }
    }

    @Test func whatAMountHidesIsNotTold() async throws {
        let clock = ManualClock()
        let root = MemoryDriver(.init(clock: clock))
        let storage = Storage(root)
        try storage.mount("m", .memory)
        let stream = try await storage.watch()
        for key in ["m", "m:x"] {
            try await root.setItem(key, [1], WriteOptions(ttl: .seconds(1)))
            _ = try await root.removeItem(key)
            try await root.setItem(key, [1], WriteOptions(ttl: .seconds(1)))
        }
        try await root.setItem("seen", [1], WriteOptions(ttl: .seconds(1)))
        clock.advance(by: .seconds(1))
        var events: [StorageEvent] = []
        for await event in stream {
            events.append(event)
            if event == .remove("seen", .expired) { break }
        }
        #expect(events == [.update("seen"), .remove("seen", .expired)])
    }

    @Test func mountingAndUnmountingTellWhoIsConcerned() async throws {
        let storage = Storage()
        let all = try await storage.watch()
        let inner = try await storage.watch("a:b")
        let beside = try await storage.watch("c")
        try storage.mount("a", .memory)
        try await storage.setItem("a:b:1", 1)
        try storage.mount("a:b:d", .memory)
        try storage.mount("a:x", .memory)
        try await storage.unmount("a")
        try await storage.setItem("a:b:2", 1)
        #expect(
            try await self.told(all, storage, end: "end")
                == [.lagged, .update("a:b:1"), .lagged, .lagged, .lagged, .update("a:b:2")]
        )
        let expected: [StorageEvent] = [.lagged, .update("a:b:1"), .lagged, .lagged, .update("a:b:2")]
        #expect(try await self.told(inner, storage, end: "a:b:end") == expected)
        #expect(try await self.told(beside, storage, end: "c:end").isEmpty)
    }

    @Test func theOwnerOfTheBaseThatComesToLightIsFollowed() async throws {
        let storage = Storage()
        try storage.mount("a", .memory)
        let stream = try await storage.watch("a:b")
        try await storage.unmount("a")
        try await storage.setItem("a:b:c", 1)
        #expect(try await self.told(stream, storage, end: "a:b:end") == [.lagged, .update("a:b:c")])
    }

    @Test func whatWasNotThereIsNotTold() async throws {
        for driver in [MinimalDriver() as any StorageDriver, Quiet()] {
            let storage = driver.makeStorage()
            try await storage.setItems([("a", 1), ("b", 2), ("c", 3)])
            let stream = try await storage.watch()
            try await storage.removeItems(["x", "y"])
            try await storage.removeItems(["a", "a", "b"])
            try await storage.removeItems(["c", "z"])
            try await storage.clear("nothing")
            let events = try await self.told(stream, storage, end: "end")
            #expect(events.prefix(2) == [.remove("a", .removed), .remove("b", .removed)])
            #expect(events.dropFirst(2) == [.remove("c", .removed)])
        }
    }

    /// Whole batches, and no events.
    private struct Quiet: ForwardingDriver {
        let base: any StorageDriver = MemoryDriver()
        var events: EventHub? { nil }
    }

    /// Has the first two writes of a batch done, then fails.
    private struct Halfway: ForwardingDriver {
        let base: any StorageDriver = MinimalDriver()

        func apply(_ mutations: [Mutation]) async throws(StorageError) -> [Bool] {
            _ = try await self.base.apply(Array(mutations.prefix(2)))
            throw StorageError(.inputOutput, "the third write failed")
        }
    }

    @Test func aBatchThatFailsHalfDoneIsTold() async throws {
        let storage = Storage(Halfway())
        let stream = try await storage.watch()
        await #expect(throws: StorageError.self) { try await storage.setItems([("a", 1), ("b", 2), ("c", 3)]) }
        #expect(try await self.told(stream, storage, end: "end") == [.lagged])
        #expect(try await storage.getKeys().sorted() == ["a", "b", "end"])
    }

    @Test func aClearingThatFailsHalfDoneIsTold() async throws {
        let storage = Storage(Halfway())
        for key in ["a", "b", "c"] { try await storage.setItem(key, 1) }
        let stream = try await storage.watch()
        await #expect(throws: StorageError.self) { try await storage.clear() }
        #expect(try await self.told(stream, storage, end: "end") == [.lagged])
        #expect(try await storage.getKeys().count == 2)
    }

    @Test func writesThatOverlapAreFollowedByLagged() async throws {
        let driver = PausingDriver(MinimalDriver())
        let storage = Storage(driver)
        let stream = try await storage.watch()
        let pause = driver.pause(.after) { $0.operation == .set }
        let set = Task { try await storage.setItem("k", 1) }
        await pause.reached()
        try await storage.removeItem("k")
        pause.resume()
        try await set.value
        #expect(try await storage.hasItem("k") == false)
        let events = try await self.told(stream, storage, end: "end")
        #expect(events.last == .lagged, "whoever mirrors it reads again")
        #expect(Set(events) == [.update("k"), .remove("k", .removed), .lagged])
        // One after the other needs no such thing.
        try await storage.setItem("k", 1)
        try await storage.removeItem("k")
        #expect(try await self.told(stream, storage, end: "end") == [.update("k"), .remove("k", .removed)])
    }

    @Test func aFailureThatMayHaveWrittenIsTold() async throws {
        struct Losing: ForwardingDriver {
            let base: any StorageDriver = MinimalDriver()

            func removeItem(_ key: String) async throws(StorageError) -> Bool {
                throw StorageError(.connectionLost, "the connection broke; look whether the item is there")
            }
        }
        let storage = Storage(Losing())
        let stream = try await storage.watch()
        await #expect(throws: StorageError.self) { try await storage.removeItem("k") }
        #expect(try await self.told(stream, storage, end: "end") == [.lagged])
    }

    @Test func mountingTakesNothingOfTheTaskAlong() async throws {
        let storage = Storage()
        let stream = try await storage.watch()
        let driver = External()
        try TaskToken.$current.withValue(TaskToken()) { try storage.mount("m", driver) }
        for await hadToken in driver.begun.stream { #expect(!hadToken) }
        withExtendedLifetime(stream) {}
    }

    /// Says whether it was asked to watch with a request's task-local values.
    private struct External: ForwardingDriver {
        let base: any StorageDriver = MemoryDriver()
        let begun = AsyncStream.makeStream(of: Bool.self)

        var capabilities: Capabilities {
            var capabilities = self.base.capabilities
            capabilities.watching = .external
            return capabilities
        }

        func startWatching() async throws(StorageError) {
            self.begun.continuation.yield(TaskToken.current != nil)
            self.begun.continuation.finish()
        }
    }
}

/// What a request keeps in its task.
final class TaskToken: Sendable {
    @TaskLocal static var current: TaskToken?
}
