import KVStorage
import KVStorageTesting
import Sessions
import Testing

/// What ends all of a user's sessions does not depend on a list.
@Suite("Revocations")
struct RevocationTests {
    private func logIn(
        _ user: String, _ config: SessionConfig<Visits>, identifier: String? = nil
    ) async throws -> Browser {
        let browser = Browser()
        try await browser.visit(config) { try await authenticateSession($0, user: user, identifier: identifier) }
        return browser
    }

    private func user(_ browser: Browser, _ config: SessionConfig<Visits>) async throws -> String? {
        try await browser.copy().visit(config) { try await sessionInfo($0)?.user }
    }

    private func key(_ part: String, _ world: World) async throws -> String {
        try #require(try await world.storage.getKeys().first { $0.contains(part) })
    }

    @Test("R33 a user's sessions end although their list was lost", arguments: Store.allCases)
    func lostList(store: Store) async throws {
        let world = try World(store)
        let config = try world.config()
        let browser = try await self.logIn("ada", config)
        let bob = try await self.logIn("bob", config)
        try await world.storage.clear("sid:users")
        _ = try await browser.visit(config) { try await increment($0) }
        #expect(try await revokeSessions(of: "ada", config) == 0)
        #expect(try await self.user(browser, config) == nil)
        #expect(world.kinds.last == .rejected(.revoked))
        #expect(try await self.user(bob, config) == "bob")
        let again = try await self.logIn("ada", config)
        #expect(try await self.user(again, config) == "ada")
        #expect(try await self.user(browser, config) == nil)
    }

    @Test("R33 what says that a session was not revoked is lost or damaged: it is refused", arguments: Store.allCases)
    func lostEpochs(store: Store) async throws {
        for part in [":epochs:users:", ":epochs:all"] {
            for damage in [nil, "", "x", "AAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAA x"] {
                let world = try World(store)
                let config = try world.config()
                let browser = try await self.logIn("ada", config)
                let anonymous = Browser()
                _ = try await anonymous.visit(config) { try await increment($0) }
                let key = try await self.key(part, world)
                if let damage {
                    try await world.storage.setItemRaw(key, Array(damage.utf8))
                } else {
                    try await world.storage.removeItem(key)
                }
                #expect(try await self.user(browser, config) == nil)
                #expect(world.kinds.last == .rejected(.revoked))
                #expect(try await listSessions(of: "ada", config).isEmpty)
                #expect(try await anonymous.visit(config) { try await getSession($0, as: Visits.self)?.count } == 1)
                // A login goes on, and brings none of the others back.
                let again = try await self.logIn("ada", config)
                #expect(try await self.user(again, config) == "ada")
                #expect(try await self.user(browser, config) == nil)
            }
        }
    }

    @Test("R33 limits that were tightened and loosened again leave no session that a revocation misses")
    func changedLimits() async throws {
        let world = try World()
        let long = try world.config(maxAge: .seconds(86_400))
        let short = try world.config(maxAge: .seconds(3600))
        let browser = try await self.logIn("ada", long)
        try await browser.visit(short) { try await regenerateSession($0) }
        _ = try await browser.visit(long) { try await increment($0) }
        world.clock.advance(by: .seconds(3601))
        #expect(try await self.user(browser, long) == "ada")
        #expect(try await listSessions(of: "ada", long).count == 1)
        #expect(try await revokeSessions(of: "ada", long) == 1)
        #expect(try await self.user(browser, long) == nil)
    }

    @Test("all sessions of all users end at once, anonymous ones go on", arguments: Store.allCases)
    func all(store: Store) async throws {
        let world = try World(store)
        let config = try world.config()
        let browsers = [try await self.logIn("ada", config), try await self.logIn("bob", config)]
        let anonymous = Browser()
        _ = try await anonymous.visit(config) { try await increment($0) }
        try await revokeAllSessions(config)
        for browser in browsers { #expect(try await self.user(browser, config) == nil) }
        #expect(try await anonymous.visit(config) { try await getSession($0, as: Visits.self)?.count } == 1)
        let again = try await self.logIn("ada", config)
        #expect(try await self.user(again, config) == "ada")
    }

    @Test("sessions end by an identifier of the application's own", arguments: Store.allCases)
    func identifiers(store: Store) async throws {
        let world = try World(store)
        let config = try world.config()
        let first = try await self.logIn("ada", config, identifier: "sid-1")
        let second = try await self.logIn("ada", config, identifier: "sid-2")
        let third = try await self.logIn("ada", config)
        try await revokeSessions(identifier: "sid-1", config)
        #expect(try await self.user(first, config) == nil)
        #expect(try await self.user(second, config) == "ada")
        #expect(try await self.user(third, config) == "ada")
        #expect(
            try await listSessions(of: "ada", config).map(\.identifier).sorted { ($0 ?? "") < ($1 ?? "") } == [
                nil, "sid-2",
            ])
        let again = try await self.logIn("ada", config, identifier: "sid-1")
        #expect(try await self.user(again, config) == "ada")
        #expect(try await self.user(first, config) == nil)
    }

    @Test("of two devices that keep only themselves at once the first one is left", arguments: Store.allCases)
    func twoKeepers(store: Store) async throws {
        for moment in [PausingDriver.Moment.before, .after] {
            let world = try World(store)
            let config = try world.config()
            let browsers = [try await self.logIn("ada", config), try await self.logIn("ada", config)]
            let events = browsers.map { $0.request() }
            for event in events {
                try await useSession(event, config)
                _ = try await sessionInfo(event)
            }
            let pause = world.pausing.pause(moment) { $0.operation == .swap && $0.itemKey?.contains("epochs") == true }
            let task = Task { try await code { _ = try await revokeSessions(of: "ada", except: events[0], config) } }
            await pause.reached()
            let second = try await code { _ = try await revokeSessions(of: "ada", except: events[1], config) }
            pause.resume()
            let first = try await task.value
            #expect(first == (moment == .before ? .gone : nil))
            #expect(second == (moment == .before ? nil : .gone))
            let alive = [try await self.user(browsers[0], config), try await self.user(browsers[1], config)]
            #expect(alive == (moment == .before ? [nil, "ada"] : ["ada", nil]))
        }
    }

    @Test("a session that was revoked keeps itself from nothing", arguments: Store.allCases)
    func revokedKeeper(store: Store) async throws {
        let world = try World(store)
        let config = try world.config()
        let browser = try await self.logIn("ada", config)
        let event = browser.request()
        try await useSession(event, config)
        _ = try await sessionInfo(event)
        try await world.storage.clear("sid:users")
        try await revokeSessions(of: "ada", config)
        #expect(try await code { _ = try await revokeSessions(of: "ada", except: event, config) } == .gone)
        #expect(try await self.user(browser, config) == nil)
    }

    @Test("a request with the ID before the last regeneration keeps its browser's session", arguments: Store.allCases)
    func oldKeeper(store: Store) async throws {
        let world = try World(store)
        let config = try world.config { $0.regenerationGrace = .seconds(10) }
        let browser = try await self.logIn("ada", config)
        let other = try await self.logIn("ada", config)
        let old = browser.copy()
        try await browser.visit(config) { try await regenerateSession($0) }
        #expect(try await old.visit(config) { try await revokeSessions(of: "ada", except: $0, config) } == 1)
        #expect(try await self.user(browser, config) == "ada")
        #expect(try await self.user(other, config) == nil)
    }

    @Test("users are bytes: names that look alike are different users", arguments: Store.allCases)
    func bytes(store: Store) async throws {
        let world = try World(store)
        let config = try world.config()
        let (composed, decomposed) = ("zo\u{e9}", "zoe\u{301}")
        let browser = try await self.logIn(composed, config)
        try await browser.visit(config) { try await updateSession($0, as: Visits.self) { $0.note = "secret" } }
        let handle = try #require(try await listSessions(of: composed, config).first).handle
        #expect(try await revokeSession(handle, of: decomposed, config) == false)
        #expect(try await listSessions(of: decomposed, config).isEmpty)
        #expect(try await revokeSessions(of: decomposed, config) == 0)
        #expect(try await self.user(browser, config)?.utf8.elementsEqual(composed.utf8) == true)
        try await browser.visit(config) { try await authenticateSession($0, user: decomposed) }
        #expect(try await browser.visit(config) { try await getSession($0, as: Visits.self)?.note } == "")
        #expect(try await listSessions(of: composed, config).isEmpty)
    }

    @Test("an epoch lives as long as the sessions that hold it, also where sessions live longer later")
    func epochLife() async throws {
        let world = try World()
        let short = try world.config(maxAge: .seconds(3600))
        let long = try world.config(maxAge: .seconds(30 * 86_400))
        _ = try await self.logIn("ada", short)
        let browser = try await self.logIn("ada", long)
        world.clock.advance(by: .seconds(30 * 86_400 - 1))
        #expect(try await self.user(browser, long) == "ada")
        world.clock.advance(by: .seconds(100 * 86_400))
        #expect(try await world.storage.getKeys().isEmpty)
    }
}
