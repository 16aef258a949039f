import HTTPTypes
import KVStorage
import KVStorageTesting
import Sessions
import Testing

@Suite("The old ID after a regeneration")
struct GraceTests {
    @Test(
        "A41 in its grace an old ID reads the session, writes nothing, and dies with it",
        arguments: Store.allCases)
    func grace(store: Store) async throws {
        for end in ["time", "destroy", "revoke"] {
            let world = try World(store)
            let config = try world.config { $0.regenerationGrace = .seconds(10) }
            let browser = Browser()
            try await browser.visit(config) { event in
                try await authenticateSession(event, user: "ada")
                try await increment(event)
            }
            let old = browser.copy()
            func count(_ browser: Browser) async throws -> Int? {
                try await browser.visit(config) { try await getSession($0, as: Visits.self)?.count }
            }
            try await browser.visit(config) { try await regenerateSession($0) }
            _ = try await browser.visit(config) { try await increment($0) }
            world.clock.advance(by: .milliseconds(9_999))
            #expect(try await count(old) == 2)
            #expect(try await count(browser) == 2)
            let kept = old.copy()
            for action in [
                { _ = try await increment($0) }, { try await regenerateSession($0) },
                { try await setFlash($0, "a", 1) },
            ] as [(SessionEvent) async throws -> Void] {
                #expect(try await old.visit(config) { event in try await code { try await action(event) } } == .gone)
            }
            #expect(old.cookies == kept.cookies)
            #expect(try await count(browser) == 2)
            #expect(try await listSessions(of: "ada", config).count == 1)
            switch end {
            case "time": world.clock.advance(by: .milliseconds(1))
            case "destroy": try await browser.visit(config) { try await destroySession($0) }
            default: try await revokeSessions(of: "ada", config)
            }
            #expect(try await count(kept) == nil, "\(end)")
        }
    }

    @Test("A41 logging out with the old ID ends the session that took its place", arguments: Store.allCases)
    func graceLogout(store: Store) async throws {
        let world = try World(store)
        let config = try world.config { $0.regenerationGrace = .seconds(10) }
        let browser = Browser()
        try await browser.visit(config) { try await authenticateSession($0, user: "ada") }
        let old = browser.copy()
        try await browser.visit(config) { try await regenerateSession($0) }
        try await browser.visit(config) { try await regenerateSession($0) }
        try await old.visit(config) { try await destroySession($0) }
        #expect(try await browser.visit(config) { try await sessionInfo($0) } == nil)
        #expect(try await listSessions(of: "ada", config).isEmpty)
    }

    @Test("A03 authenticating leaves no grace to the old ID", arguments: Store.allCases)
    func noGraceForLogin(store: Store) async throws {
        let world = try World(store)
        let config = try world.config { $0.regenerationGrace = .seconds(10) }
        let attacker = Browser()
        _ = try await attacker.visit(config) { try await increment($0) }
        let victim = attacker.copy()
        try await victim.visit(config) { try await authenticateSession($0, user: "ada") }
        #expect(try await attacker.visit(config) { try await getSession($0, as: Visits.self) } == nil)
        try await attacker.visit(config) { try await destroySession($0) }
        #expect(try await victim.visit(config) { try await sessionInfo($0)?.user } == "ada")
    }
}
