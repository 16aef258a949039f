import HTTPTypes
import KVStorage
import KVStorageTesting
import Sessions
import Testing

@Suite("Logins: step-up, remember me, devices")
struct StepUpTests {
    private func outcome(
        _ browser: Browser, _ config: SessionConfig<Visits>, within limit: Duration? = .seconds(300),
        _ methods: [String] = []
    ) async throws -> SessionError.Code? {
        try await browser.visit(config) { event in
            try await code { try await requireAuthentication(event, within: limit, methods: methods) }
        }
    }

    @Test("a proof is as old as its login, whatever else the session does", arguments: Store.allCases)
    func age(store: Store) async throws {
        let world = try World(store)
        let config = try world.config(idleTimeout: .seconds(7200))
        let browser = Browser()
        #expect(try await self.outcome(browser, config) == .notAuthenticated)
        _ = try await browser.visit(config) { try await increment($0) }
        #expect(try await self.outcome(browser, config, within: nil) == .notAuthenticated)
        try await browser.visit(config) { try await authenticateSession($0, user: "ada", methods: ["password"]) }
        world.clock.advance(by: .seconds(300))
        #expect(try await self.outcome(browser, config) == nil)
        world.clock.advance(by: .milliseconds(1))
        try await browser.visit(config) { event in
            try await increment(event)
            try await regenerateSession(event)
            _ = try await touchSession(event)
        }
        #expect(try await self.outcome(browser, config) == .authenticationTooOld)
        #expect(try await self.outcome(browser, config, within: nil) == nil)
        // The other devices are ended, this one goes on: that proves nothing either.
        try await browser.visit(config) { _ = try await revokeSessions(of: "ada", except: $0, config) }
        #expect(try await self.outcome(browser, config) == .authenticationTooOld)
        try await browser.visit(config) { try await authenticateSession($0, user: "ada") }
        #expect(try await self.outcome(browser, config) == nil)
        #expect(try await self.outcome(browser, config, ["password"]) == .authenticationTooOld)
    }

    @Test("every method that is asked for has to be recent", arguments: Store.allCases)
    func methods(store: Store) async throws {
        let world = try World(store)
        let config = try world.config()
        let browser = Browser()
        try await browser.visit(config) {
            try await authenticateSession($0, user: "ada", methods: ["password", "passkey\n é"])
        }
        world.clock.advance(by: .seconds(200))
        try await browser.visit(config) { try await authenticateSession($0, user: "ada", methods: ["totp"]) }
        world.clock.advance(by: .seconds(100))
        #expect(try await self.outcome(browser, config, ["password", "totp", "passkey\n é"]) == nil)
        #expect(try await self.outcome(browser, config, ["password", "sms"]) == .authenticationTooOld)
        world.clock.advance(by: .seconds(1))
        #expect(try await self.outcome(browser, config, ["totp"]) == nil)
        #expect(try await self.outcome(browser, config, ["password", "totp"]) == .authenticationTooOld)
        let info = try #require(try await browser.visit(config) { try await sessionInfo($0) })
        #expect(info.methods.keys.sorted() == ["passkey\n é", "password", "totp"])
        // Another user has proved nothing.
        try await browser.visit(config) { try await authenticateSession($0, user: "bob") }
        #expect(try await self.outcome(browser, config, ["totp"]) == .authenticationTooOld)
        for methods in [[""], [String(repeating: "x", count: 1025)]] {
            #expect(
                try await browser.visit(config) { event in
                    try await code { try await authenticateSession(event, user: "bob", methods: methods) }
                } == .invalidUser)
        }
    }

    @Test("a proof that a clock noted ahead of time counts for nothing")
    func future() async throws {
        let world = try World()
        let config = try world.config()
        let browser = Browser()
        world.clock.advance(by: .seconds(86_400))
        try await browser.visit(config) { try await authenticateSession($0, user: "ada", methods: ["totp"]) }
        world.clock.advance(by: .seconds(-86_400))
        #expect(try await browser.visit(config) { try await sessionInfo($0)?.user } == "ada")
        #expect(try await self.outcome(browser, config) == .authenticationTooOld)
        #expect(try await self.outcome(browser, config, ["totp"]) == .authenticationTooOld)
    }

    @Test("who wants to be remembered is, by limits of their own, until they want otherwise", arguments: Store.allCases)
    func rememberMe(store: Store) async throws {
        let world = try World(store)
        let config = try world.config(maxAge: .seconds(3600), cookie: CookieAttributes(persistent: false)) {
            $0.persistent = PersistentLogin(maxAge: .seconds(30 * 86_400), idleTimeout: .seconds(10 * 86_400))
        }
        func logIn(_ browser: Browser, _ isPersistent: Bool?) async throws -> String {
            let event = browser.request()
            try await useSession(event, config)
            try await authenticateSession(event, user: "ada", persistent: isPersistent)
            browser.receive(event)
            return try #require(event.setCookies.first)
        }
        let browser = Browser()
        #expect(try await logIn(browser, nil).contains("Max-Age") == false)
        #expect(try await logIn(browser, true).contains("; Max-Age=2592000;"))
        // The same user's choice stays.
        #expect(try await logIn(browser, nil).contains("; Max-Age=2592000;"))
        let other = Browser()
        #expect(try await logIn(other, nil).contains("Max-Age") == false)
        #expect(Set(try await listSessions(of: "ada", config).map(\.isPersistent)) == [true, nil])
        world.clock.advance(by: .seconds(3600))
        #expect(try await other.visit(config) { try await sessionInfo($0) } == nil)
        #expect(try await browser.visit(config) { try await sessionInfo($0)?.user } == "ada")
        let event = browser.request()
        try await useSession(event, config)
        try await regenerateSession(event)
        browser.receive(event)
        #expect(event.setCookies.first?.contains("; Max-Age=2588400;") == true)
        world.clock.advance(by: .seconds(10 * 86_400 - 1))
        #expect(try await browser.visit(config) { try await sessionInfo($0)?.user } == "ada")
        #expect(try await logIn(browser, false).contains("Max-Age") == false)
        world.clock.advance(by: .seconds(3600))
        #expect(try await browser.visit(config) { try await sessionInfo($0) } == nil)
    }

    @Test("the list shows which session is which, as much as is configured", arguments: Store.allCases)
    func devices(store: Store) async throws {
        let world = try World(store)
        let table: [(SessionDevices.Address, String, String?)] = [
            (.none, "192.0.2.77", nil), (.whole, "192.0.2.77", "192.0.2.77"), (.prefix, "192.0.2.77", "192.0.2.77"),
            (.whole, "2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
            (.prefix, "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"), (.whole, "::1", "::1"), (.whole, "::", "::"),
        ]
        for (address, sent, shown) in table {
            let config = try world.config(name: "a") { $0.devices.address = address }
            let browser = Browser()
            try await browser.visit(config, .post, [.userAgent: "Mozilla/5.0 \u{fc}"], address: sent) {
                try await authenticateSession($0, user: "ada", label: "Kitchen\n")
            }
            let event = browser.request()
            try await useSession(event, config)
            let info = try #require(try await listSessions(of: "ada", current: event, config).last { $0.isCurrent })
            #expect(info.address == shown)
            #expect(info.userAgent == "Mozilla/5.0 \u{fc}")
            #expect(info.label == "Kitchen\n")
            #expect(try await listSessions(of: "ada", config).allSatisfy { !$0.isCurrent })
            try await revokeSessions(of: "ada", config)
        }
        let hashed = try world.config(name: "b") {
            $0.devices.address = .hash
            $0.devices.maximumBytes = 10
            $0.devices.userAgent = { $0.isEmpty ? nil : "Firefox on \($0)" }
        }
        for address in ["192.0.2.1", "192.0.2.1", "192.0.2.2"] {
            _ = try await Browser().visit(hashed, .post, [.userAgent: "\u{1F427}"], address: address) {
                try await authenticateSession($0, user: "ada")
            }
        }
        let list = try await listSessions(of: "ada", hashed)
        #expect(Set(list.map(\.address)).count == 2)
        #expect(list.allSatisfy { $0.address?.contains("192") == false && $0.userAgent == "Firefox on" })
    }
}
