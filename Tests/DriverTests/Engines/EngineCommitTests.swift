import KVStorage
import KVStorageTesting
import Testing

@Suite("Engines: commits", .timeLimit(.minutes(5)))
struct EngineCommitTests {
    let folder: TemporaryFolder
    let path: String
    let clock = ManualClock()

    init() throws {
        self.folder = try TemporaryFolder(inMemory: true)
        self.path = self.folder.file("store")
    }

    private func open(_ engine: Engine) throws -> any StorageDriver {
        try engine.open(self.path, self.clock)
    }

    private func set(_ key: String, _ text: String, _ ttl: TTL = .forever, _ fields: FieldChange = .keep) -> Mutation {
        .set(key: key, value: bytes(text), options: WriteOptions(ttl: ttl), fields: fields)
    }

    @Test(
        "The first check that fails is named with the item's bytes; nothing is written and nothing emitted",
        arguments: Engine.all)
    func mismatch(engine: Engine) async throws {
        let driver = try self.open(engine)
        try await driver.set("a", "1")
        try await driver.set("gone", "1", ttl: .until(self.clock.now))
        let events = try recordedEvents(of: driver)
        // What had expired is removed by the sweep; only then nothing else is written.
        while try await engine.storedCount(self.path, driver) > 1 { await Task.yield() }
        let mark = try engine.commitMark(self.path, driver)
        let writes = [self.set("a", "2"), self.set("b", "2"), .touch(key: "a", ttl: .seconds(1))]
        let cases: [([Commit.Check], CommitOutcome)] = [
            ([.init("a", .absent)], .mismatch(index: 0, current: bytes("1"))),
            ([.init("a", .present), .init("b", .present)], .mismatch(index: 1, current: nil)),
            (
                [.init("a", .bytes(bytes("1"))), .init("a", .bytes(bytes("11")))],
                .mismatch(index: 1, current: bytes("1"))
            ),
            (
                [.init("b", .absent), .init("gone", .bytes(bytes("1"))), .init("a", .absent)],
                .mismatch(index: 1, current: nil)
            ),
            ([.init("gone", .present)], .mismatch(index: 0, current: nil)),
            ([.init("a", .bytes([]))], .mismatch(index: 0, current: bytes("1"))),
        ]
        for (checks, outcome) in cases {
            #expect(try await driver.commit(Commit(checks: checks, mutations: writes)) == outcome)
        }
        #expect(
            try await driver.compareAndSwapItem("a", expected: nil, replacement: [2], WriteOptions())
                == .mismatch(current: bytes("1")))
        // Nor is anything written by what only looks.
        let looks = Commit(
            checks: [.init("a", .bytes(bytes("1"))), .init("b", .absent)], mutations: [.touch(key: "a", ttl: .keep)])
        #expect(try await driver.commit(looks) == .committed(found: [true]))
        #expect(try await driver.apply([.touch(key: "a", ttl: .keep), .touch(key: "b", ttl: .keep)]) == [true, false])
        #expect(try await driver.touchItem("a", ttl: .keep(orElse: .seconds(1))))
        #expect(try await driver.commit(Commit()) == .committed(found: []))
        #expect(try await driver.apply([]) == [])
        #expect(try engine.commitMark(self.path, driver) == mark)
        #expect(try await driver.allKeys() == ["a"])
        try await driver.set("end", "")
        #expect(try engine.commitMark(self.path, driver) != mark)
        #expect(await eventsUpToEnd(events).filter { $0 != .remove("gone", .expired) } == [])
        try await driver.dispose()
    }

    @Test("Each mutation says whether its item was there, checked or not, and emits one event", arguments: Engine.all)
    func found(engine: Engine) async throws {
        let driver = try self.open(engine)
        for key in ["a", "b", "c", "d"] { try await driver.set(key, "1") }
        #expect(try await driver.setMeta("b", [1]))
        let events = try recordedEvents(of: driver)
        let commit = Commit(
            checks: [.init("a", .bytes(bytes("1"))), .init("b", .present), .init("new", .absent)],
            mutations: [
                self.set("new", "2", .forever, .replace([7])), self.set("other", "2", .seconds(5)),
                self.set("b", "2", .keep, .replace(nil)), .remove(key: "c"), .remove(key: "none"),
                .touch(key: "a", ttl: .seconds(9)), .touch(key: "missing", ttl: .seconds(9)), self.set("d", "2"),
            ]
        )
        #expect(
            try await driver.commit(commit)
                == .committed(found: [false, false, true, true, false, true, false, true]))
        try await driver.set("end", "")
        #expect(
            await eventsUpToEnd(events) == [
                .update("new"), .update("other"), .update("b"), .remove("c", .removed), .update("a"), .update("d"),
            ])
        let entries = try await driver.getEntries(["new", "other", "b", "c", "a", "d"])
        #expect(entries.map { $0?.value } == ["2", "2", "2", nil, "1", "2"].map { $0.map { bytes($0) } })
        #expect(entries.map { $0?.meta.fieldBytes } == [[7], nil, nil, nil, nil, nil])
        #expect(entries.map { $0?.meta.ttl } == [nil, .seconds(5), nil, nil, .seconds(9), nil])
        try await driver.dispose()
    }

    @Test("An entry is value and metadata of one write, also of an item that has just expired", arguments: Engine.all)
    func entries(engine: Engine) async throws {
        let driver = try self.open(engine)
        let created = self.clock.now
        _ = try await driver.apply([self.set("a", "one", .seconds(5), .replace([1, 2])), self.set("b", "")])
        self.clock.advance(by: .seconds(2))
        try await driver.setItem("a", bytes("three"), WriteOptions(ttl: .keep))
        let meta = ItemMeta(
            mtime: self.clock.now, birthtime: created, deadline: created.advanced(by: .seconds(5)),
            asOf: self.clock.now, size: 5, fieldBytes: [1, 2])
        let plain = ItemMeta(mtime: created, birthtime: created, asOf: self.clock.now, size: 0)
        let (first, second) = (Entry(value: bytes("three"), meta: meta), Entry(value: [], meta: plain))
        #expect(try await driver.getEntries(["b", "none", "a", "b"]) == [second, nil, first, second])
        #expect(try await driver.getEntries(["a"]) == [first])
        #expect(try await driver.getEntries(["a"])[0]?.meta.ttl == .seconds(3))
        #expect(try await driver.getEntries([]) == [])
        self.clock.advance(by: .seconds(3))
        #expect(try await driver.getEntries(["a"]) == [nil])
        #expect(try await driver.getEntries(["a", "b"]) == [nil, second])
        try await driver.dispose()
    }

    @Test("A deadline in the past is one: absent at once, swept, and emitted as any other", arguments: Engine.all)
    func past(engine: Engine) async throws {
        let driver = try self.open(engine)
        let events = try recordedEvents(of: driver)
        let past = TTL.until(self.clock.now.advanced(by: .seconds(-1)))
        try await driver.set("a", "1", ttl: past)
        #expect(try await driver.getItem("a") == nil)
        #expect(try await driver.getEntries(["a"]) == [nil])
        #expect(try await driver.allKeys() == [])
        #expect(try await !driver.touchItem("a", ttl: .forever))
        #expect(try await driver.commit(Commit(checks: [.init("a", .absent)])) == .committed(found: []))
        var iterator = events.makeAsyncIterator()
        #expect(await iterator.next() == .update("a"))
        #expect(await iterator.next() == .remove("a", .expired))
        // The next sweep keeps its distance from that one.
        self.clock.advance(by: .seconds(1))
        try await driver.set("b", "1")
        try await driver.set("c", "1")
        #expect(
            try await driver.commit(Commit(mutations: [.touch(key: "b", ttl: past), self.set("c", "2", past)]))
                == .committed(found: [true, true]))
        #expect(try await driver.getItems(["b", "c"]) == [nil, nil])
        for event: StorageEvent in [.update("b"), .update("c"), .update("b"), .update("c")] {
            #expect(await iterator.next() == event)
        }
        #expect(
            Set([await iterator.next(), await iterator.next()]) == [.remove("b", .expired), .remove("c", .expired)])
        while try await engine.storedCount(self.path, driver) > 0 { await Task.yield() }
        try await driver.dispose()
    }

    @Test("Who begins to listen while a write is carried out learns of it", arguments: Engine.all)
    func listening(engine: Engine) async throws {
        let clock = HookClock()
        let driver = try engine.open(self.path, clock)
        await clock.waitUntilSlept()
        let (stream, continuation) = AsyncStream.makeStream(of: StorageEvent.self)
        let hub = try #require(driver.events)
        clock.onNextLook { _ = hub.addObserver { continuation.yield($0) } }
        try await driver.set("a", "1")
        continuation.finish()
        let seen = await stream.reduce(into: []) { $0.append($1) }
        #expect(seen == [.lagged] || seen == [.update("a")])
        try await driver.dispose()
    }
}
