import HTTPTypes
import KVStorage
import KVStorageTesting
import Sessions
import Testing

@Suite("Ending and renewing")
struct EndTests {
    private func session(_ config: SessionConfig<Visits>, _ count: Int = 1) async throws -> Browser {
        let browser = Browser()
        for _ in 0..<count { _ = try await browser.visit(config) { try await increment($0) } }
        return browser
    }

    private func count(_ browser: Browser, _ config: SessionConfig<Visits>) async throws -> Int? {
        try await browser.visit(config) { try await getSession($0, as: Visits.self)?.count }
    }

    @Test("R12 A41 regenerating gives a new ID, keeps the data, and the old ID is dead", arguments: Store.allCases)
    func regenerate(store: Store) async throws {
        let world = try World(store)
        let config = try world.config()
        let browser = try await self.session(config)
        let other = try world.otherConfig()
        let old = browser.copy()
        try await browser.visit(config) { try await regenerateSession($0) }
        #expect(browser.cookies != old.cookies)
        #expect(try await self.count(browser, config) == 1)
        #expect(try await self.count(old, config) == nil)
        #expect(try await self.count(browser, other) == 1)
        #expect(try await self.count(old, other) == nil)
        #expect(try await world.keys().count == 1)
    }

    @Test(
        "R12 whichever storage call of a regeneration fails, exactly one token works",
        arguments: Store.allCases, FaultyDriver.Moment.allCases
    )
    func regenerationFaults(store: Store, moment: FaultyDriver.Moment) async throws {
        var index = 0
        while true {
            let world = try World(store)
            let config = try world.config()
            let browser = try await self.session(config)
            let old = browser.copy()
            world.faulty.fail(at: index, moment)
            let outcome = try await browser.visit(config) { event in
                try await code { try await regenerateSession(event) }
            }
            if world.faulty.repair() { break }
            let works = [try await self.count(browser, config), try await self.count(old, config)]
            if browser.cookies == old.cookies {
                #expect(outcome == .storage, "call \(index)")
                #expect(works == [1, 1], "call \(index)")
            } else {
                #expect(outcome == nil, "call \(index)")
                #expect(works == [1, nil], "call \(index)")
            }
            index += 1
        }
        #expect(index == 2, "read, swap")
    }

    @Test("R12 an update that comes between a regeneration's steps is kept", arguments: Store.allCases)
    func regenerateAgainstUpdate(store: Store) async throws {
        let world = try World(store)
        let config = try world.config()
        let browser = try await self.session(config)
        let other = browser.copy()
        let event = browser.request()
        try await useSession(event, config)
        let key = try #require(try await world.records().first)
        let pause = world.pausing.pause(.before) { $0.operation == .swap && $0.key == key }
        async let regenerated: Void = regenerateSession(event)
        await pause.reached()
        _ = try await other.visit(config) { try await increment($0) }
        pause.resume()
        try await regenerated
        browser.receive(event)
        #expect(try await self.count(browser, config) == 2)
        #expect(try await self.count(other, config) == nil)
        #expect(try await world.keys().count == 1)
    }

    @Test("R12 a session that is destroyed during its regeneration stays destroyed", arguments: Store.allCases)
    func regenerateAgainstDestroy(store: Store) async throws {
        let world = try World(store)
        let config = try world.config()
        let browser = try await self.session(config)
        let event = browser.request()
        try await useSession(event, config)
        let key = try #require(try await world.records().first)
        let pause = world.pausing.pause(.before) { $0.operation == .swap && $0.key == key }
        async let outcome = code { try await regenerateSession(event) }
        await pause.reached()
        try await browser.copy().visit(config) { try await destroySession($0) }
        pause.resume()
        #expect(try await outcome == .gone)
        #expect(event.setCookies.isEmpty)
        #expect(try await world.keys().isEmpty)
    }

    @Test("R13 regenerating starts the idle limit anew and leaves the absolute one", arguments: Store.allCases)
    func regenerationAndLimits(store: Store) async throws {
        let world = try World(store)
        let config = try world.config(maxAge: .seconds(600), idleTimeout: .seconds(400)) {
            $0.touchInterval = .seconds(399)
        }
        let browser = try await self.session(config)
        world.clock.advance(by: .seconds(300))
        let event = browser.request()
        try await useSession(event, config)
        try await regenerateSession(event)
        browser.receive(event)
        #expect(event.setCookies.first?.contains("; Max-Age=300;") == true)
        world.clock.advance(by: .seconds(299))
        #expect(try await self.count(browser, config) == 1)
        world.clock.advance(by: .seconds(1))
        #expect(try await self.count(browser, config) == nil)
    }

    @Test("regenerating without a session does nothing")
    func regenerateNothing() async throws {
        let world = try World()
        let event = Browser().request()
        try await useSession(event, try world.config())
        try await regenerateSession(event)
        #expect(event.setCookies.isEmpty)
        #expect(world.counting.calls.isEmpty)
    }

    @Test("R14 destroying removes the record, clears the very cookie, and ends the session for this request")
    func destroy() async throws {
        let attributes = [
            CookieAttributes(), CookieAttributes(path: "/app", domain: "example.org"),
            CookieAttributes(sameSite: .none, partitioned: true), CookieAttributes(secure: .never, httpOnly: false),
        ]
        for attributes in attributes {
            for store in Store.allCases {
                let world = try World(store)
                let config = try world.config(cookie: attributes)
                let browser = Browser()
                let first = browser.request()
                try await useSession(first, config)
                try await increment(first)
                browser.receive(first)
                let event = browser.request()
                try await useSession(event, config)
                try await destroySession(event)
                let set = try #require(first.setCookies.first).split(separator: "; ")
                let removed = try #require(event.setCookies.first).split(separator: "; ")
                #expect(event.setCookies.count == 1)
                #expect(removed.first == "\(config.cookieName)=")
                #expect(removed.contains("Max-Age=0"))
                #expect(
                    Set(set.dropFirst()).subtracting(["Max-Age=86400"])
                        == Set(removed.dropFirst()).subtracting(["Max-Age=0", "Expires=Thu, 01 Jan 1970 00:00:00 GMT"]))
                #expect(try await world.keys().isEmpty)
                #expect(try await getSession(event, as: Visits.self) == nil)
                #expect(try await code { try await increment(event) } == .gone)
                #expect(try await code { try await regenerateSession(event) } == .gone)
                try await destroySession(event)
                #expect(event.setCookies.count == 1)
            }
        }
    }

    @Test("A40 a cookie that is replayed after logout finds nothing", arguments: Store.allCases)
    func replay(store: Store) async throws {
        let world = try World(store)
        let config = try world.config()
        let browser = try await self.session(config)
        let thief = browser.copy()
        try await browser.visit(try world.otherConfig()) { try await destroySession($0) }
        #expect(browser.cookies.isEmpty)
        #expect(try await self.count(thief, config) == nil)
        _ = try await thief.visit(config) { try await increment($0) }
        #expect(try await self.count(thief, config) == 1)
        #expect(thief.cookies != browser.cookies)
    }

    @Test(
        "a session that is created and destroyed by one request leaves neither record nor cookie",
        arguments: Store.allCases)
    func createAndDestroy(store: Store) async throws {
        let world = try World(store)
        let event = Browser().request()
        try await useSession(event, try world.config())
        try await increment(event)
        try await destroySession(event)
        #expect(event.setCookies.isEmpty)
        #expect(try await world.keys().isEmpty)
    }

    @Test("R14 a logout that the storage fails has changed nothing", arguments: Store.allCases)
    func failedDestroy(store: Store) async throws {
        let world = try World(store)
        let config = try world.config()
        let browser = try await self.session(config)
        let event = browser.request()
        try await useSession(event, config)
        world.faulty.fail { $0.operation == .take }
        #expect(try await code { try await destroySession(event) } == .storage)
        #expect(event.setCookies.isEmpty)
        #expect(try await getSession(event, as: Visits.self)?.count == 1)
        try await destroySession(event)
        #expect(try await world.keys().isEmpty)
    }

    @Test(
        "R26 A22 an old secret's cookie is accepted and issued anew; a removed secret's is not",
        arguments: Store.allCases)
    func rotation(store: Store) async throws {
        let world = try World(store)
        let old = "an old secret of at least 32 bytes, yes"
        let browser = try await self.session(try world.config(secret: [old]))
        let before = browser.copy()
        let both = try world.config(secret: [World.secret, old])
        #expect(try await self.count(browser, both) == 1)
        #expect(browser.cookies != before.cookies)
        let quiet = browser.request()
        try await useSession(quiet, both)
        _ = try await getSession(quiet, as: Visits.self)
        #expect(quiet.setCookies.isEmpty)
        let new = try world.config()
        #expect(try await self.count(browser, new) == 1)
        #expect(try await self.count(before, new) == nil)
        #expect(world.kinds.last == .rejected(.forged))
    }

    @Test("R27 taking a secret away ends the sessions whose cookies it signed", arguments: Store.allCases)
    func removedSecret(store: Store) async throws {
        let world = try World(store)
        let browser = try await self.session(try world.config(secret: ["another secret of at least 32 bytes"]))
        _ = world.counting.reset()
        #expect(try await self.count(browser, try world.config()) == nil)
        #expect(world.counting.calls.isEmpty)
    }
}
