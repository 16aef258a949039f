import KVStorage
import KVStorageSQLite
import KVStorageTesting
import Testing

@Suite("SQLite: expiry and events", .timeLimit(.minutes(5)))
struct SQLiteExpiryTests {
    let folder: TemporaryFolder
    let clock = ManualClock()
    let path: String

    init() throws {
        self.folder = try TemporaryFolder()
        self.path = self.folder.file("store.db")
    }

    private func driver() throws -> SQLiteDriver {
        try SQLiteDriver(path: self.path, configuration: configuration { $0.clock = self.clock })
    }

    private func storedCount() throws -> [String] {
        try RawDatabase(self.path).run("SELECT count(*) FROM kvstorage")
    }

    @Test("What expired is removed from the table without anybody asking, more than a transaction's worth too")
    func sweep() async throws {
        let driver = try self.driver()
        let events = try recordedEvents(of: driver)
        let sets = (0..<2500).map { number in
            Mutation.set(key: "key\(number)", value: [1], options: WriteOptions(ttl: .seconds(5)))
        }
        _ = try await driver.apply(sets)
        try await driver.set("stays", "value", ttl: .seconds(50))
        self.clock.advance(by: .seconds(5))
        var removed: Set<String> = []
        for await event in events {
            if case .remove(let key, .expired) = event { removed.insert(key) }
            if removed.count == 2500 { break }
        }
        #expect(!removed.contains("stays"))
        #expect(try self.storedCount() == ["1"])
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
        #expect(try self.storedCount() == ["1"])
        try await second.dispose()
    }

    @Test("Deadlines of another driver are noticed within a minute")
    func foreignDeadline() async throws {
        let driver = try self.driver()
        let events = try recordedEvents(of: driver)
        let now = self.clock.now.milliseconds
        try RawDatabase(self.path).run(
            "INSERT INTO kvstorage VALUES ('foreign', \(now + 1000), \(now), \(now), NULL, x'00')"
        )
        self.clock.advance(by: .seconds(60))
        for await event in events {
            #expect(event == .remove("foreign", .expired))
            break
        }
        try await driver.dispose()
    }

    @Test("Each kind of write tells of its change, after the commit; what changes nothing tells nothing")
    func eventKinds() async throws {
        let driver = try self.driver()
        let events = try recordedEvents(of: driver)
        let options = WriteOptions()
        try await driver.set("a", "1")
        _ = try await driver.removeItem("none")
        _ = try await driver.touchItem("none", ttl: .forever)
        _ = try await driver.compareAndSwapItem("a", expected: nil, replacement: [1], options)
        _ = try await driver.compareAndSwapItem("b", expected: nil, replacement: bytes("1"), options)
        _ = try await driver.incrementItem("b", by: 1, options)
        _ = try await driver.touchItem("a", ttl: .seconds(9))
        _ = try await driver.setMeta("a", [1])
        _ = try await driver.takeItem("a")
        _ = try await driver.apply([.set(key: "c:d", value: [], options: options), .remove(key: "b")])
        _ = try await driver.clear("c:")
        try await driver.set("end", "")
        #expect(
            await eventsUpToEnd(events) == [
                .update("a"), .update("b"), .update("b"), .update("a"), .update("a"), .remove("a", .removed),
                .update("c:d"),
                .remove("b", .removed), .remove("c:d", .removed),
            ]
        )
        try await driver.dispose()
    }

    @Test("A driver that is dropped without dispose closes its connections and ends its task")
    func dropped() async throws {
        var driver: SQLiteDriver? = try self.driver()
        try await driver?.set("key", "value", ttl: .seconds(5))
        #expect(try await driver?.text("key") == "value")
        driver = nil
        // The last connection that closes removes the log.
        #expect(try self.folder.names == ["store.db"])
        // Nobody is left to sweep.
        self.clock.advance(by: .seconds(100))
        #expect(try self.storedCount() == ["1"])
    }
}
