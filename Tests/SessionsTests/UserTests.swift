import HTTPTypes
import KVStorage
import KVStorageTesting
import Sessions
import Synchronization
import Testing

@Suite("Users")
struct UserTests {
    func logIn(
        _ user: String,
        _ config: SessionConfig<Visits>,
        _ browser: Browser = Browser()
    ) async throws -> Browser {
        try await browser.visit(config) { try await authenticateSession($0, user: user) }
        return browser
    }

    func user(_ browser: Browser, _ config: SessionConfig<Visits>) async throws -> String? {
        try await browser.visit(config) { try await sessionInfo($0)?.user }
    }

    func count(_ browser: Browser, _ config: SessionConfig<Visits>) async throws -> Int? {
        try await browser.visit(config) { try await getSession($0, as: Visits.self)?.count }
    }

    @Test(
        "A03 a cookie planted before login is dead after it, and what was planted does not come along",
        arguments: Store.allCases)
    func planted(store: Store) async throws {
        let world = try World(store)
        let config = try world.config()
        let attacker = Browser()
        try await attacker.visit(config) { try await updateSession($0, as: Visits.self) { $0.note = "planted" } }
        let victim = try await self.logIn("ada", config, attacker.copy())
        #expect(victim.cookies != attacker.cookies)
        #expect(try await self.user(victim, config) == "ada")
        #expect(try await victim.visit(config) { try await getSession($0, as: Visits.self) } == Visits())
        #expect(try await self.user(attacker, config) == nil)
        #expect(try await self.count(attacker, config) == nil)
    }

    @Test("A03 what is allow-listed comes along; what its closure throws passes through", arguments: Store.allCases)
    func carried(store: Store) async throws {
        struct Refusal: Error {}
        let world = try World(store)
        let config = try world.config()
        let browser = Browser()
        try await browser.visit(config) {
            try await updateSession($0, as: Visits.self) { $0 = Visits(count: 7, note: "x") }
        }
        let before = browser.copy()
        await #expect(throws: Refusal.self) {
            try await browser.visit(config) {
                try await authenticateSession($0, user: "ada", as: Visits.self) { _, _ in throw Refusal() }
            }
        }
        #expect(browser.cookies == before.cookies)
        #expect(try await self.count(browser, config) == 7)
        try await browser.visit(config) {
            try await authenticateSession($0, user: "ada", as: Visits.self) { old, new in new.count = old.count }
        }
        #expect(try await browser.visit(config) { try await getSession($0, as: Visits.self) } == Visits(count: 7))
    }

    @Test("A06 a login without a session makes the ID after the authentication", arguments: Store.allCases)
    func freshLogin(store: Store) async throws {
        let world = try World(store)
        let config = try world.config()
        let event = Browser().request()
        try await useSession(event, config)
        #expect(world.counting.calls.isEmpty)
        try await authenticateSession(event, user: "ada")
        #expect(event.setCookies.count == 1)
        #expect(try await sessionInfo(event)?.user == "ada")
        #expect(world.kinds == [.authenticated])
    }

    @Test(
        "R13 logging in again keeps the user's data, changes the ID and starts the absolute limit anew",
        arguments: Store.allCases)
    func again(store: Store) async throws {
        let world = try World(store)
        let config = try world.config(maxAge: .seconds(600))
        let browser = try await self.logIn("ada", config)
        _ = try await browser.visit(config) { try await increment($0) }
        let before = browser.copy()
        world.clock.advance(by: .seconds(500))
        _ = try await self.logIn("ada", config, browser)
        world.clock.advance(by: .seconds(500))
        #expect(try await self.count(browser, config) == 1)
        #expect(try await self.count(before, config) == nil)
        _ = try await self.logIn("bob", config, browser)
        #expect(try await self.count(browser, config) == 0)
        #expect(try await listSessions(of: "ada", config).isEmpty)
        #expect(try await listSessions(of: "bob", config).count == 1)
    }

    @Test("logging in works after the session ended in the same request")
    func afterEnd() async throws {
        let world = try World()
        let config = try world.config()
        let browser = try await self.logIn("ada", config)
        let event = browser.request()
        try await useSession(event, config)
        try await destroySession(event)
        try await authenticateSession(event, user: "bob")
        browser.receive(event)
        #expect(try await self.user(browser, config) == "bob")
        #expect(try await code { try await authenticateSession(event, user: "") } == .invalidUser)
    }

    @Test(
        "R12 whichever storage call of a login fails, exactly one token works", arguments: Store.allCases,
        FaultyDriver.Moment.allCases)
    func loginFaults(store: Store, moment: FaultyDriver.Moment) async throws {
        var index = 0
        while true {
            let world = try World(store)
            let config = try world.config { $0.maximumPerUser = 1 }
            let browser = Browser()
            _ = try await browser.visit(config) { try await increment($0) }
            let old = browser.copy()
            world.faulty.fail(at: index, moment)
            let outcome = try await browser.visit(config) { event in
                try await code { try await authenticateSession(event, user: "ada") }
            }
            if world.faulty.repair() { break }
            if browser.cookies == old.cookies {
                #expect(outcome == .storage, "call \(index)")
                #expect(try await self.count(old, config) == 1, "call \(index)")
                #expect(try await self.user(old, config) == nil, "call \(index)")
            } else {
                #expect(outcome == nil, "call \(index)")
                #expect(try await self.user(browser, config) == "ada", "call \(index)")
                #expect(try await self.count(old, config) == nil, "call \(index)")
            }
            #expect(try await listSessions(of: "ada", config).count <= 1, "call \(index)")
            index += 1
        }
        #expect(index >= 5)
    }

    @Test(
        "R33 the user's sessions are listed, and ended one by one, all, or all but this one", arguments: Store.allCases)
    func revoke(store: Store) async throws {
        let world = try World(store)
        let config = try world.config(idleTimeout: .seconds(3600))
        var browsers: [Browser] = []
        for _ in 0..<4 {
            browsers.append(try await self.logIn("ada", config))
            world.clock.advance(by: .seconds(1))
        }
        let bob = try await self.logIn("bob", config)
        let list = try await listSessions(of: "ada", config)
        #expect(list.count == 4)
        #expect(list.map(\.created) == list.map(\.created).sorted())
        #expect(list.allSatisfy { $0.user == "ada" && $0.expires > $0.lastSeen })
        #expect(
            list.map(\.handle).contains(
                try #require(try await browsers[2].visit(config) { try await sessionInfo($0) }).handle))

        #expect(try await revokeSession(list[0].handle, of: "bob", config) == false)
        #expect(try await revokeSession(list[0].handle, of: "ada", config))
        #expect(try await revokeSession(list[0].handle, of: "ada", config) == false)
        for handle in ["", "users:x", "../x", String(repeating: "A", count: 43)] {
            #expect(try await revokeSession(handle, of: "ada", config) == false)
        }
        #expect(try await self.user(browsers[0], config) == nil)

        let current = browsers[3].request()
        try await useSession(current, config)
        #expect(try await revokeSessions(of: "ada", except: current, config) == 2)
        #expect(try await self.user(browsers[1], config) == nil)
        #expect(try await self.user(browsers[2], config) == nil)
        #expect(try await self.user(browsers[3], config) == "ada")
        #expect(try await listSessions(of: "ada", config).count == 1)

        #expect(try await revokeSessions(of: "ada", config) == 1)
        #expect(try await revokeSessions(of: "ada", config) == 0)
        #expect(try await self.user(browsers[3], config) == nil)
        #expect(try await self.user(bob, config) == "bob")
        #expect(world.kinds.filter { $0 == .revoked }.count == 4)
        #expect(try await world.keys().count == 2)
    }

    @Test(
        "R33 A45 an update and a note of activity of a revoked session fail, and leave nothing",
        arguments: Store.allCases)
    func revokedMeanwhile(store: Store) async throws {
        let world = try World(store)
        let config = try world.config(idleTimeout: .seconds(600))
        let browser = try await self.logIn("ada", config)
        let slow = browser.request()
        try await useSession(slow, config)
        _ = try await getSession(slow, as: Visits.self)
        try await revokeSessions(of: "ada", config)
        #expect(try await code { try await increment(slow) } == .gone)
        #expect(try await world.keys().isEmpty)
    }

    @Test(
        "R33 a session whose regeneration is under way when all are revoked does not escape",
        arguments: Store.allCases, [PausingDriver.Moment.before, .after]
    )
    func revokeAgainstRegenerate(store: Store, moment: PausingDriver.Moment) async throws {
        let dry = try World(store)
        let config = try dry.config()
        let browser = try await self.logIn("ada", config)
        _ = dry.counting.reset()
        try await browser.visit(config) { try await regenerateSession($0) }
        let count = dry.counting.calls.count
        #expect(count == 3, "the record, the epochs, the swap")
        for index in 0..<count {
            let world = try World(store)
            let config = try world.config()
            let browser = try await self.logIn("ada", config)
            let thief = browser.copy()
            let event = browser.request()
            try await useSession(event, config)
            let calls = CallCounter()
            let pause = world.pausing.pause(moment) { _ in calls.next() == index }
            async let outcome = code { try await regenerateSession(event) }
            await pause.reached()
            try await revokeSessions(of: "ada", config)
            pause.resume()
            _ = try await outcome
            browser.receive(event)
            #expect(try await self.user(browser, config) == nil, "call \(index)")
            #expect(try await self.user(thief, config) == nil, "call \(index)")
            #expect(try await listSessions(of: "ada", config).isEmpty, "call \(index)")
            #expect(try await world.records().isEmpty, "call \(index)")
        }
    }

    @Test("logging out takes the session off the list", arguments: Store.allCases)
    func logOut(store: Store) async throws {
        let world = try World(store)
        let config = try world.config()
        let browser = try await self.logIn("ada", config)
        try await browser.visit(config) { try await destroySession($0) }
        #expect(try await world.keys().isEmpty)
    }

    @Test(
        "users are called as they please",
        arguments: ["ada@example.org", "a:b/c?d$", "ü\n\r\0%0A x", "users", String(repeating: "x", count: 1024)])
    func names(user: String) async throws {
        let world = try World()
        let config = try world.config()
        let browser = try await self.logIn(user, config)
        #expect(try await self.user(browser, config) == user)
        #expect(try await listSessions(of: user, config).map(\.user) == [user])
        #expect(try await revokeSessions(of: user, config) == 1)
    }
}

/// Counts calls from any task.
final class CallCounter: Sendable {
    private let count = Mutex(0)

    func next() -> Int {
        self.count.withLock { count in
            defer { count += 1 }
            return count
        }
    }
}
