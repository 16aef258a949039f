import Foundation
import KVStorage
import KVStorageTesting
import Sessions
import Testing

@Suite("IDs that come back, and records of the first format")
struct ReplayTests {
    private func user(_ browser: Browser, _ config: SessionConfig<Visits>) async throws -> String? {
        try await browser.visit(config) { try await sessionInfo($0)?.user }
    }

    @Test(
        "A41 an ID that was replaced is reported, and ends the session where that is asked for",
        arguments: Store.allCases)
    func replayed(store: Store) async throws {
        for policy in [SessionOptions.Replay.report, .endFamily] {
            for grace in [Duration.zero, .seconds(10)] {
                let world = try World(store)
                let config = try world.config {
                    $0.onReplay = policy
                    $0.regenerationGrace = grace
                }
                let browser = Browser()
                try await browser.visit(config) { try await authenticateSession($0, user: "ada") }
                let thief = browser.copy()
                try await browser.visit(config) { try await regenerateSession($0) }
                if grace > .zero {
                    #expect(try await self.user(thief, config) == "ada")
                    world.clock.advance(by: grace)
                }
                #expect(!world.kinds.contains(.rejected(.replayed)))
                #expect(try await self.user(thief, config) == nil)
                let replays = world.activities.filter { $0.kind == .rejected(.replayed) }
                #expect(replays.map(\.user) == ["ada"])
                #expect(try await self.user(browser, config) == (policy == .report ? "ada" : nil))
                #expect(try await world.keys().isEmpty == (policy == .endFamily))
            }
        }
    }

    /// Puts a record of the first format in, as it was written then, and returns a browser that has its cookie.
    private func firstFormat(_ world: World, _ config: SessionConfig<Visits>, user: String?) async throws -> Browser {
        let id = try #require(SessionID("0123456789abcdefghijklmnopqrstuvwxyzABCDEFA"))
        let now = world.clock.now.milliseconds
        let line = user.map { "user \($0)\n" } ?? ""
        let record = "session/1 1 \(now) \(now) 0 86400000\n\(line)\n{\"count\":7,\"note\":\"\"}"
        try await world.storage.setItemRaw("sid:\(id.handle)", Array(record.utf8))
        let signed = signCookie(id.text, secret: World.secret)
        let value = signed.addingPercentEncoding(
            withAllowedCharacters: .alphanumerics.union(.init(charactersIn: "-_.")))
        return Browser([config.cookieName: try #require(value)])
    }

    @Test("a session of the first format goes on, and its next write is of the present one", arguments: Store.allCases)
    func firstFormat(store: Store) async throws {
        let world = try World(store)
        let config = try world.config()
        let browser = try await self.firstFormat(world, config, user: nil)
        #expect(try await browser.visit(config) { try await getSession($0, as: Visits.self)?.count } == 7)
        let thief = browser.copy()
        #expect(try await browser.visit(config) { try await increment($0) } == 8)
        #expect(try await world.records().count == 1)
        let key = try #require(try await world.records().first)
        #expect(try await world.storage.getItemRaw(key)?.starts(with: "session/2 ".utf8) == true)
        try await browser.visit(config) { try await regenerateSession($0) }
        #expect(try await browser.visit(config) { try await getSession($0, as: Visits.self)?.count } == 8)
        #expect(try await thief.visit(config) { try await getSession($0, as: Visits.self) } == nil)
        #expect(try await world.records() == [key])
        try await thief.visit(config) { try await destroySession($0) }
        #expect(try await browser.visit(config) { try await sessionInfo($0) } == nil)
    }

    @Test("a logged-in session of the first format can be revoked from its first load on", arguments: Store.allCases)
    func firstFormatLogin(store: Store) async throws {
        let world = try World(store)
        let config = try world.config()
        let browser = try await self.firstFormat(world, config, user: "ada")
        #expect(try await self.user(browser, config) == "ada")
        try await revokeSessions(of: "ada", config)
        #expect(try await self.user(browser, config) == nil)
        // One that was not loaded before its user's sessions were revoked is refused as well.
        let other = try await self.firstFormat(world, config, user: "ada")
        #expect(try await self.user(other, config) == nil)
        // Logging in elsewhere does not end it.
        let third = try await self.firstFormat(world, config, user: "bob")
        try await Browser().visit(config) { try await authenticateSession($0, user: "bob") }
        #expect(try await self.user(third, config) == "bob")
    }
}
