import KVStorage
import KVStorageTesting
import Testing

@testable import KVStorageLMDB

@Suite("LMDB: expiry and events", .timeLimit(.minutes(5)))
struct LMDBExpiryTests {
    let folder: TemporaryFolder
    let clock = ManualClock()

    init() throws {
        self.folder = try TemporaryFolder()
    }

    private func driver(_ name: String = "kvstorage") throws -> LMDBDriver {
        try LMDBDriver(
            path: self.folder.path,
            configuration: lmdbConfiguration {
                $0.clock = self.clock
                $0.databaseName = name
            }
        )
    }

    @Test("What expired is removed without anybody asking, more than a transaction's worth too")
    func sweep() async throws {
        let driver = try self.driver()
        let events = try recordedEvents(of: driver)
        let sets = (0..<2500).map { number in
            Mutation.set(key: "key\(number)", value: [1], options: WriteOptions(ttl: .seconds(5)))
        }
        _ = try await driver.apply(sets)
        try await driver.set("stays", "value", ttl: .seconds(50))
        #expect(try await driver.storedCounts() == [2501, 2501])
        self.clock.advance(by: .seconds(5))
        var removed: Set<String> = []
        for await event in events {
            if case .remove(let key, .expired) = event { removed.insert(key) }
            if removed.count == 2500 { break }
        }
        #expect(!removed.contains("stays"))
        #expect(try await driver.storedCounts() == [1, 1])
        try await driver.dispose()
    }

    @Test("What was to expire while the store was closed is removed after opening")
    func sweepAfterOpening() async throws {
        let first = try self.driver()
        try await first.set("short", "value", ttl: .seconds(5))
        try await first.set("long", "value")
        try await first.dispose()
        // On opening the deadline is still to come.
        self.clock.advance(by: .seconds(4))
        let second = try self.driver()
        let events = try recordedEvents(of: second)
        self.clock.advance(by: .seconds(1))
        for await event in events {
            #expect(event == .remove("short", .expired))
            break
        }
        #expect(try await second.storedCounts() == [1, 0])
        try await second.dispose()
    }

    @Test("Deadlines that another driver has set are noticed within a minute")
    func foreignDeadline() async throws {
        let driver = try self.driver()
        let events = try recordedEvents(of: driver)
        let other = try self.driver()
        try await other.set("foreign", "value", ttl: .seconds(30))
        // Without the other's sweeper, as if its process had ended.
        try await other.dispose()
        self.clock.advance(by: .seconds(60))
        for await event in events {
            #expect(event == .remove("foreign", .expired))
            break
        }
        #expect(try await driver.storedCounts() == [0, 0])
        try await driver.dispose()
    }

    @Test("The order of deadlines is kept before 1970 and at the end of time")
    func deadlineOrder() async throws {
        let times: [Int64] = [.min, -5, -1, 0, 1, 1_780_000_000_000, .max]
        for (left, right) in zip(times, times.dropFirst()) {
            try DeadlineKey.withBytes(of: Timestamp(milliseconds: left)) { left throws(StorageError) in
                try DeadlineKey.withBytes(of: Timestamp(milliseconds: right)) { right throws(StorageError) in
                    #expect(compareBytes(left, right) < 0)
                }
            }
        }
        for time in times {
            let back = try DeadlineKey.withBytes(of: Timestamp(milliseconds: time)) { bytes throws(StorageError) in
                try DeadlineKey.deadline(bytes)
            }
            #expect(back.milliseconds == time)
        }
    }

    @Test("Clearing counts what had not expired and leaves no deadline behind", arguments: [true, false])
    func clear(isObserved: Bool) async throws {
        let driver = try self.driver()
        try await driver.set("a:short", "1", ttl: .seconds(5))
        try await driver.set("a:long", "2", ttl: .seconds(50))
        try await driver.set("a:ever", "3")
        try await driver.set("b", "4", ttl: .seconds(50))
        let hub = try #require(driver.events)
        let observer = isObserved ? hub.addObserver { _ in } : nil
        #expect(try await driver.clear("a:") == 3)
        #expect(try await driver.storedCounts() == [1, 1])
        try await driver.set("c", "5")
        #expect(try await driver.clear("") == 2)
        #expect(try await driver.storedCounts() == [0, 0])
        if let observer { hub.removeObserver(observer) }
        try await driver.dispose()
    }

    @Test("Each kind of write tells of its change, after the commit; what changes nothing tells nothing")
    func eventKinds() async throws {
        let driver = try self.driver()
        let other = try self.driver("other")
        let events = try recordedEvents(of: driver)
        let options = WriteOptions()
        try await other.set("not:told", "1")
        try await driver.set("a", "1")
        _ = try await driver.removeItem("none")
        _ = try await driver.touchItem("none", ttl: .forever)
        _ = try await driver.compareAndSwapItem("a", expected: nil, replacement: [1], options)
        _ = try await driver.compareAndSwapItem("none", expected: nil, replacement: nil, options)
        _ = try await driver.compareAndSwapItem("b", expected: nil, replacement: bytes("1"), options)
        _ = try await driver.incrementItem("b", by: 1, options)
        _ = try await driver.touchItem("a", ttl: .seconds(9))
        _ = try await driver.setMeta("a", [1])
        _ = try await driver.takeItem("a")
        _ = try await driver.apply([.set(key: "c:d", value: [], options: options), .remove(key: "b")])
        _ = try await driver.clear("c:")
        _ = try await other.clear("")
        try await driver.set("end", "")
        #expect(
            await eventsUpToEnd(events) == [
                .update("a"), .update("b"), .update("b"), .update("a"), .update("a"), .remove("a", .removed),
                .update("c:d"),
                .remove("b", .removed), .remove("c:d", .removed),
            ]
        )
        for driver in [driver, other] { try await driver.dispose() }
    }
}
