import KVStorage
import KVStorageTesting
import Testing

@Suite struct WatchTests {
    private let driver = MemoryDriver()
    private let storage: Storage

    init() {
        self.storage = Storage(self.driver)
    }

    private var isObserved: Bool { self.driver.events?.isObserved ?? false }

    @Test func lettingGoOfTheStreamEndsTheWatching() async throws {
        #expect(!self.isObserved)
        do {
            let stream = try await self.storage.watch()
            #expect(self.isObserved)
            try await self.storage.setItem("a", 1)
            for await _ in stream { break }
        }
        #expect(!self.isObserved)
    }

    @Test func cancellingTheReaderEndsTheWatching() async throws {
        let stream = try await self.storage.watch()
        let reader = Task { for await _ in stream {} }
        await Task.yield()
        reader.cancel()
        await reader.value
        #expect(!self.isObserved)
    }

    @Test func eachGapIsToldOnce() async throws {
        let stream = try await self.storage.watch("", bufferSize: 2)
        var iterator = stream.makeAsyncIterator()
        for round in 0..<3 {
            for number in 0..<10 { try await self.storage.setItem("\(round):\(number)", 1) }
            #expect(try await iterator.next() == .update("\(round):0"))
            #expect(try await iterator.next() == .update("\(round):1"))
            #expect(try await iterator.next() == .lagged)
        }
        try await self.storage.setItem("end", 1)
        #expect(try await iterator.next() == .update("end"))
    }

    @Test func eventsAfterAGapStandAfterIt() async throws {
        let stream = try await self.storage.watch("", bufferSize: 2)
        var iterator = stream.makeAsyncIterator()
        for number in 0..<4 { try await self.storage.setItem("\(number)", 1) }
        #expect(try await iterator.next() == .update("0"))
        #expect(try await iterator.next() == .update("1"))
        try await self.storage.setItem("4", 1)
        #expect(try await iterator.next() == .lagged)
        #expect(try await iterator.next() == .update("4"))
    }

    @Test func aBufferOfNothingCountsAsOne() async throws {
        let stream = try await self.storage.watch("", bufferSize: 0)
        try await self.storage.setItem("a", 1)
        var iterator = stream.makeAsyncIterator()
        #expect(try await iterator.next() == .update("a"))
    }

    @Test func aDriverWithoutEventsIsToldOf() async throws {
        let storage = Storage(MinimalDriver())
        let stream = try await storage.watch()
        try await storage.setItem("a", 1)
        try await storage.setItems([("b", 1), ("c", 1)])
        try await storage.incrementItem("a")
        try await storage.removeItem("a")
        try await storage.removeItem("a")
        try await storage.clear()
        var iterator = stream.makeAsyncIterator()
        let expected: [StorageEvent] = [
            .update("a"), .update("b"), .update("c"), .update("a"), .remove("a", .removed), .remove("b", .removed),
            .remove("c", .removed),
        ]
        for event in expected { #expect(try await iterator.next() == event) }
    }

    @Test func whatADriverTellsBeforeItWatchesIsNotHeard() async throws {
        let driver = StartingDriver { driver in driver.events?.emit(.update("earlier")) }
        let storage = Storage(driver)
        var iterator = try await storage.watch().makeAsyncIterator()
        try await storage.setItem("later", 1)
        #expect(try await iterator.next() == .update("later"))
    }

    @Test func aMountThatGoesWhileItsDriverBeginsIsNotFollowed() async throws {
        let storage = Storage()
        let driver = StartingDriver { _ in _ = try? await storage.unmount("away") }
        try storage.mount("away", driver)
        let stream = try await storage.watch()
        #expect(driver.events?.isObserved == false)
        withExtendedLifetime(stream) {}
    }
}

/// Does something when it is asked to begin to watch.
private final class StartingDriver: ForwardingDriver {
    let base: any StorageDriver = .memory
    private let start: @Sendable (StartingDriver) async -> Void

    init(_ start: @escaping @Sendable (StartingDriver) async -> Void) {
        self.start = start
    }

    func around<Result>(
        _ call: DriverCall,
        _ body: () async throws(StorageError) -> Result
    ) async throws(StorageError) -> Result {
        try await body()
    }

    func startWatching() async throws(StorageError) {
        await self.start(self)
    }
}
