import KVStorage
import KVStorageTesting
import Sessions
import Testing

@Suite("Storage that fails or holds something else")
struct FaultTests {
    private func session(_ config: SessionConfig<Visits>, _ count: Int = 1) async throws -> Browser {
        let browser = Browser()
        for _ in 0..<count { _ = try await browser.visit(config) { try await increment($0) } }
        return browser
    }

    private func count(_ browser: Browser, _ config: SessionConfig<Visits>) async throws -> Int? {
        try await browser.visit(config) { try await getSession($0, as: Visits.self)?.count }
    }

    @Test("R29 A53 a storage that fails is not \"no session\"", arguments: Store.allCases)
    func failingStorage(store: Store) async throws {
        let world = try World(store)
        let config = try world.config()
        let browser = try await self.session(config)
        let event = browser.request()
        try await useSession(event, config)
        world.faulty.fail(lasting: true)
        #expect(try await code { _ = try await getSession(event, as: Visits.self) } == .storage)
        #expect(try await code { try await increment(event) } == .storage)
        #expect(try await code { try await regenerateSession(event) } == .storage)
        #expect(try await code { try await destroySession(event) } == .outcomeUnknown)
        #expect(event.setCookies.isEmpty)
        world.faulty.repair()
        #expect(try await getSession(event, as: Visits.self)?.count == 1)
    }

    @Test("R29 an activity note that the storage refuses does not fail the request", arguments: Store.allCases)
    func failingTouch(store: Store) async throws {
        let world = try World(store)
        let config = try world.config(idleTimeout: .seconds(60))
        let browser = try await self.session(config)
        world.clock.advance(by: .seconds(30))
        world.faulty.fail { $0.operation.isWrite }
        #expect(try await self.count(browser, config) == 1)
        #expect(world.kinds.contains(.storageFailed))
    }

    @Test(
        "R30 A53 a record that can't be read is no session, is reported, and is left alone", arguments: Store.allCases)
    func undecodable(store: Store) async throws {
        let world = try World(store)
        let config = try world.config()
        let browser = try await self.session(config)
        let key = try #require(try await world.keys().first)
        let good = try #require(try await world.storage.getItemRaw(key))
        let text = String(decoding: good, as: UTF8.self)
        var bad: [[UInt8]] = [
            [], [0], Array("garbage".utf8), Array("session/3 ".utf8) + good, Array("{\"count\":1}".utf8),
        ]
        let envelope = try #require(text.utf8.firstIndex(of: UInt8(ascii: "{"))?.utf16Offset(in: text))
        for length in stride(from: 1, to: envelope - 2, by: 7) { bad.append(Array(good.prefix(length))) }
        for bytes in bad {
            try await world.storage.setItemRaw(key, bytes)
            let thief = browser.copy()
            #expect(try await self.count(thief, config) == nil, "\(String(decoding: bytes, as: UTF8.self))")
            #expect(world.kinds.last == .rejected(.undecodable))
            _ = try await thief.visit(config) { try await increment($0) }
            #expect(try await self.count(thief, config) == 1)
            #expect(thief.cookies != browser.cookies)
            #expect(try await world.storage.getItemRaw(key) == bytes)
        }
    }

    @Test(
        "R30 data that can't be read has no value, is reported, and nothing replaces it; a logout ends it",
        arguments: Store.allCases)
    func undecodableData(store: Store) async throws {
        let world = try World(store)
        let config = try world.config()
        let browser = Browser()
        try await browser.visit(config) { try await authenticateSession($0, user: "ada") }
        _ = try await browser.visit(config) { try await increment($0) }
        let key = try #require(try await world.records().first)
        let good = String(decoding: try #require(try await world.storage.getItemRaw(key)), as: UTF8.self)
        let bad = Array(good.replacing("\"count\":1", with: "\"count\":\"x\"").utf8)
        try await world.storage.setItemRaw(key, bad)
        let thief = browser.copy()
        #expect(try await self.count(browser, config) == nil)
        #expect(world.kinds.last == .rejected(.undecodable))
        #expect(
            try await browser.visit(config) { event in try await code { try await increment(event) } } == .undecodable)
        #expect(browser.cookies == thief.cookies)
        #expect(try await world.storage.getItemRaw(key) == bad)
        // What needs no data works, and keeps it.
        try await browser.visit(config) { event in
            #expect(try await sessionInfo(event)?.user == "ada")
            try await verifyCSRF(event, token: try await csrfToken(event))
            try await setFlash(event, "notice", "saved")
            try await regenerateSession(event)
            try await authenticateSession(event, user: "ada")
            #expect(try await revokeSessions(of: "ada", except: event, config) == 0)
        }
        let kept = try #require(try await world.storage.getItemRaw(key))
        #expect(String(decoding: kept, as: UTF8.self).contains("\"count\":\"x\""))
        thief.cookies = browser.cookies
        try await browser.visit(config) { try await destroySession($0) }
        #expect(try await world.keys().isEmpty)
        #expect(try await thief.visit(config) { try await sessionInfo($0) } == nil)
    }

    @Test("A53 a storage that answers with what was loses no update and revives nothing", arguments: Store.allCases)
    func staleStorage(store: Store) async throws {
        let world = try World(store)
        let good = try world.config()
        let stale = StaleDriver(world.driver)
        let config = try world.config(store: Storage(stale)) { $0.updateAttempts = 4 }
        let browser = try await self.session(good)
        stale.setStale(true)
        #expect(try await self.count(browser, config) == 1)
        _ = try await browser.visit(good) { try await increment($0) }
        #expect(try await browser.visit(config) { event in try await code { try await increment(event) } } == .conflict)
        #expect(try await self.count(browser, good) == 2)
        let copy = browser.copy()
        try await browser.visit(good) { try await destroySession($0) }
        for action in [{ _ = try await increment($0) }, { try await regenerateSession($0) }]
            as [(SessionEvent) async throws -> Void]
        {
            #expect(try await copy.visit(config) { event in try await code { try await action(event) } } == .conflict)
            #expect(try await world.keys().isEmpty)
        }
        stale.setStale(false)
        #expect(try await self.count(copy, config) == nil)

        let second = try await self.session(good)
        stale.setStale(true)
        #expect(try await self.count(second, config) == 1)
        _ = try await second.visit(good) { try await increment($0) }
        let thief = second.copy()
        try await second.visit(config) { try await destroySession($0) }
        #expect(try await self.count(thief, good) == nil)
        #expect(try await world.keys().isEmpty)
    }

    @Test(
        "R29 pages that need no session can be let through while the storage fails; writing is not",
        arguments: Store.allCases)
    func lenientStorage(store: Store) async throws {
        let world = try World(store)
        let config = try world.config { $0.storageFailure = .noSession }
        let browser = Browser()
        _ = try await browser.visit(config) { try await increment($0) }
        let event = browser.request()
        try await useSession(event, config)
        world.faulty.fail(lasting: true)
        #expect(try await getSession(event, as: Visits.self) == nil)
        #expect(try await code { try await increment(event) } == .storage)
        #expect(event.setCookies.isEmpty)
        world.faulty.repair()
        #expect(try await increment(event) == 2)
    }
}
