import HTTPTypes
import KVStorage
import KVStorageTesting
import Sessions
import Testing

@Suite("Updates")
struct UpdateTests {
    struct Refusal: Error {}

    private func session(_ config: SessionConfig<Visits>) async throws -> Browser {
        let browser = Browser()
        _ = try await browser.visit(config) { try await increment($0) }
        return browser
    }

    private func event(_ browser: Browser, _ config: SessionConfig<Visits>) async throws -> SessionEvent {
        let event = browser.request()
        try await useSession(event, config)
        return event
    }

    @Test("an update that throws changes nothing, and its error passes through")
    func throwingBody() async throws {
        let world = try World()
        let config = try world.config()
        let browser = try await self.session(config)
        await #expect(throws: Refusal.self) {
            try await browser.visit(config) {
                try await updateSession($0, as: Visits.self) {
                    $0.count = 9; throw Refusal()
                }
            }
        }
        #expect(try await browser.visit(config) { try await getSession($0, as: Visits.self)?.count } == 1)
        await #expect(throws: Refusal.self) {
            try await Browser().visit(config) { try await updateSession($0, as: Visits.self) { _ in throw Refusal() } }
        }
        #expect(try await world.keys().count == 1)
    }

    @Test("R15 A42 an update never brings back a session that was destroyed", arguments: Store.allCases)
    func destroyedMeanwhile(store: Store) async throws {
        let world = try World(store)
        let config = try world.config()
        let other = try world.otherConfig()
        let browser = try await self.session(config)
        let slow = try await self.event(browser, config)
        _ = try await getSession(slow, as: Visits.self)
        try await browser.copy().visit(other) { try await destroySession($0) }
        #expect(try await code { try await increment(slow) } == .gone)
        #expect(try await code { try await increment(slow) } == .gone)
        #expect(try await code { try await regenerateSession(slow) } == .gone)
        #expect(try await getSession(slow, as: Visits.self) == nil)
        #expect(slow.setCookies.isEmpty)
        #expect(try await world.keys().isEmpty)
    }

    @Test(
        "R15 A42 A43 a session that ends between an update's reading and writing stays ended",
        arguments: Store.allCases)
    func destroyedInTheMiddle(store: Store) async throws {
        let world = try World(store)
        let config = try world.config()
        let other = try world.otherConfig()
        for end in ["destroy", "regenerate", "expire"] {
            let browser = try await self.session(config)
            let thief = browser.copy()
            let slow = try await self.event(thief, config)
            let pause = world.pausing.pause(.before) { $0.operation == .swap }
            async let outcome = code { try await increment(slow) }
            await pause.reached()
            switch end {
            case "destroy": try await browser.visit(other) { try await destroySession($0) }
            case "regenerate": try await browser.visit(other) { try await regenerateSession($0) }
            default: world.clock.advance(by: .seconds(86_400))
            }
            pause.resume()
            #expect(try await outcome == .gone, "\(end)")
            #expect(try await thief.visit(config) { try await getSession($0, as: Visits.self) } == nil)
            #expect(try await world.keys().count == (end == "regenerate" ? 1 : 0))
            try await browser.visit(config) { try await destroySession($0) }
        }
    }

    @Test("R15 A44 what was read just before its end is neither revived nor extended", arguments: Store.allCases)
    func expiredMeanwhile(store: Store) async throws {
        let world = try World(store)
        let config = try world.config(maxAge: .seconds(600))
        let browser = try await self.session(config)
        world.clock.advance(by: .milliseconds(599_999))
        let slow = try await self.event(browser, config)
        #expect(try await getSession(slow, as: Visits.self)?.count == 1)
        world.clock.advance(by: .milliseconds(1))
        #expect(try await code { try await increment(slow) } == .gone)
        #expect(try await world.keys().isEmpty)
    }

    @Test("A45 noting activity never creates a record that ended meanwhile", arguments: Store.allCases)
    func touchAfterEnd(store: Store) async throws {
        let world = try World(store)
        let config = try world.config(idleTimeout: .seconds(600))
        let other = try world.otherConfig(idleTimeout: .seconds(600))
        let browser = try await self.session(config)
        world.clock.advance(by: .seconds(100))
        let slow = try await self.event(browser, config)
        let pause = world.pausing.pause(.before) { $0.operation == .swap }
        async let found = getSession(slow, as: Visits.self)
        await pause.reached()
        try await browser.visit(other) { try await destroySession($0) }
        pause.resume()
        #expect(try await found == nil)
        #expect(try await world.keys().isEmpty)
    }

    @Test("R17 noting activity never undoes a concurrent write", arguments: Store.allCases)
    func touchAgainstWrite(store: Store) async throws {
        let world = try World(store)
        let config = try world.config(idleTimeout: .seconds(600))
        let other = try world.otherConfig(idleTimeout: .seconds(600))
        let browser = try await self.session(config)
        world.clock.advance(by: .seconds(100))
        let slow = try await self.event(browser, config)
        let pause = world.pausing.pause(.before) { $0.operation == .swap }
        async let found = getSession(slow, as: Visits.self)
        await pause.reached()
        _ = try await browser.visit(other) { try await increment($0) }
        pause.resume()
        #expect(try await found?.count == 2)
        #expect(try await browser.visit(config) { try await getSession($0, as: Visits.self)?.count } == 2)
    }

    @Test("R16 A46 100 concurrent updates of one session are all kept", arguments: Store.allCases)
    func concurrent(store: Store) async throws {
        let world = try World(store)
        let config = try world.config()
        let other = try world.otherConfig()
        let browser = try await self.session(config)
        try await withThrowingTaskGroup { group in
            for index in 0..<100 {
                group.addTask {
                    _ = try await browser.copy().visit(index.isMultiple(of: 2) ? config : other) {
                        try await increment($0)
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try await browser.visit(config) { try await getSession($0, as: Visits.self)?.count } == 101)
    }

    @Test("R16 A46 100 concurrent updates are all kept by a slow storage too", arguments: Store.allCases)
    func concurrentAndSlow(store: Store) async throws {
        let world = try World(store)
        let config = try world.config(store: Storage(SlowDriver(base: world.driver)))
        let browser = try await self.session(config)
        try await withThrowingTaskGroup { group in
            for _ in 0..<100 {
                group.addTask { _ = try await browser.copy().visit(config) { try await increment($0) } }
            }
            try await group.waitForAll()
        }
        #expect(try await browser.visit(config) { try await getSession($0, as: Visits.self)?.count } == 101)
    }

    @Test("R16 who loses too often gets a conflict, and nothing is written", arguments: Store.allCases)
    func conflict(store: Store) async throws {
        let world = try World(store)
        let config = try world.config { $0.updateAttempts = 1 }
        let other = try world.otherConfig()
        let browser = try await self.session(config)
        let slow = try await self.event(browser, config)
        let pause = world.pausing.pause(.before) { $0.operation == .swap }
        async let outcome = code { try await increment(slow) }
        await pause.reached()
        _ = try await browser.visit(other) { try await increment($0) }
        pause.resume()
        #expect(try await outcome == .conflict)
        #expect(world.kinds.contains(.conflict))
        #expect(try await browser.visit(config) { try await getSession($0, as: Visits.self)?.count } == 2)
    }

    @Test("R42 many tasks of one request make one session, load it once, and lose nothing", arguments: Store.allCases)
    func oneEvent(store: Store) async throws {
        let world = try World(store)
        let config = try world.config()
        let event = try await self.event(Browser(), config)
        try await withThrowingTaskGroup { group in
            for _ in 0..<50 { group.addTask { try await increment(event) } }
            try await group.waitForAll()
        }
        #expect(event.setCookies.count == 1)
        #expect(try await world.keys().count == 1)
        let browser = Browser()
        browser.receive(event)
        _ = world.counting.reset()
        let reader = try await self.event(browser, config)
        let counts = try await withThrowingTaskGroup(of: Int?.self) { group in
            for _ in 0..<50 { group.addTask { try await getSession(reader, as: Visits.self)?.count } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(counts.allSatisfy { $0 == 50 })
        #expect(world.counting.calls.map(\.operation) == [.get])
    }

    @Test("A48 two requests without cookies that both write make two sessions", arguments: Store.allCases)
    func twoFirstRequests(store: Store) async throws {
        let world = try World(store)
        let config = try world.config(idleTimeout: .seconds(60))
        let other = try world.otherConfig(idleTimeout: .seconds(60))
        let browser = Browser()
        let first = try await self.event(browser, config)
        let second = try await self.event(browser, other)
        try await updateSession(first, as: Visits.self) { $0.note = "first" }
        try await updateSession(second, as: Visits.self) { $0.note = "second" }
        browser.receive(first)
        browser.receive(second)
        #expect(try await browser.visit(config) { try await getSession($0, as: Visits.self)?.note } == "second")
        #expect(try await world.keys().count == 2)
        world.clock.advance(by: .seconds(60))
        #expect(try await world.keys().isEmpty)
    }

    @Test("A51 a cancelled request leaves the session as it was or as it was to be", arguments: Store.allCases)
    func cancellation(store: Store) async throws {
        let world = try World(store)
        let config = try world.config()
        let other = try world.otherConfig()
        for moment in [PausingDriver.Moment.before, .after] {
            let browser = try await self.session(config)
            let slow = try await self.event(browser, config)
            let pause = world.pausing.pause(moment) { $0.operation == .swap }
            let task = Task { try await increment(slow) }
            await pause.reached()
            task.cancel()
            pause.resume()
            _ = await task.result
            let count = try await browser.visit(other) { try await getSession($0, as: Visits.self)?.count }
            #expect(count == 1 || count == 2)
        }
    }

    @Test("R31 data up to the limit is stored, one byte more is refused and nothing written", arguments: Store.allCases)
    func size(store: Store) async throws {
        let world = try World(store)
        let overhead = #"{"count":1,"note":""}"#.utf8.count
        let config = try world.config { $0.maximumDataBytes = overhead + 100 }
        let browser = try await self.session(config)
        _ = try await browser.visit(config) {
            try await updateSession($0, as: Visits.self) { $0.note = String(repeating: "x", count: 100) }
        }
        let outcome = try await browser.visit(config) { event in
            try await code { try await updateSession(event, as: Visits.self) { $0.note += "x" } }
        }
        #expect(outcome == .tooLarge)
        #expect(try await browser.visit(config) { try await getSession($0, as: Visits.self)?.note.count } == 100)
        let first = try await Browser().visit(config) { event in
            try await code {
                try await updateSession(event, as: Visits.self) { $0.note = String(repeating: "x", count: 101) }
            }
        }
        #expect(first == .tooLarge)
        #expect(try await world.keys().count == 1)
    }

    @Test("a value that the codec can't express is refused, nothing is written")
    func unencodable() async throws {
        struct Ratio: Codable, Sendable { var value = 0.0 }
        let storage = Storage()
        let config = try SessionConfig(in: .storage(storage, secrets: [World.secret])) { Ratio() }
        let event = Browser().request()
        try await useSession(event, config)
        #expect(try await code { try await updateSession(event, as: Ratio.self) { $0.value = .nan } } == .encoding)
        #expect(try await storage.getKeys().isEmpty)
    }
}
