import HTTPTypes
import KVStorage
import KVStorageTesting
import Sessions
import Testing

@Suite("How long sessions live")
struct LifeTests {
    private func count(_ browser: Browser, _ config: SessionConfig<Visits>) async throws -> Int? {
        try await browser.visit(config) { try await getSession($0, as: Visits.self)?.count }
    }

    @Test("R08 the idle timeout ends a session at its very moment", arguments: Store.allCases)
    func idle(store: Store) async throws {
        for (wait, isAlive) in [
            (Duration.milliseconds(59_999), true), (.seconds(60), false), (.milliseconds(60_001), false),
        ] {
            let world = try World(store)
            let config = try world.config(idleTimeout: .seconds(60))
            let browser = Browser()
            _ = try await browser.visit(config) { try await increment($0) }
            world.clock.advance(by: wait)
            #expect(try await self.count(browser, config) == (isAlive ? 1 : nil))
        }
    }

    @Test("R08 reading extends the idle limit", arguments: Store.allCases)
    func activity(store: Store) async throws {
        let world = try World(store)
        let config = try world.config(idleTimeout: .seconds(60))
        let browser = Browser()
        _ = try await browser.visit(config) { try await increment($0) }
        for _ in 0..<20 {
            world.clock.advance(by: .seconds(50))
            #expect(try await self.count(browser, config) == 1)
        }
        world.clock.advance(by: .seconds(60))
        #expect(try await self.count(browser, config) == nil)
    }

    @Test("R09 the absolute timeout is not moved by reading, touching or updating", arguments: Store.allCases)
    func absolute(store: Store) async throws {
        let world = try World(store)
        let config = try world.config(maxAge: .seconds(600), idleTimeout: .seconds(120))
        let browser = Browser()
        _ = try await browser.visit(config) { try await increment($0) }
        for minute in 1...9 {
            world.clock.advance(by: .seconds(60))
            let count = try await browser.visit(config) { try await increment($0) }
            #expect(count == minute + 1)
        }
        world.clock.advance(by: .milliseconds(59_999))
        #expect(try await self.count(browser, config) == 10)
        world.clock.advance(by: .milliseconds(1))
        #expect(try await self.count(browser, config) == nil)
    }

    @Test("R10 limits hold on a storage that ignores lifetimes", arguments: Store.allCases)
    func forgetfulStorage(store: Store) async throws {
        let world = try World(store)
        let config = try world.config(
            maxAge: .seconds(600), idleTimeout: .seconds(60), store: try world.forgetfulStorage())
        let idle = Browser()
        _ = try await idle.visit(config) { try await increment($0) }
        world.clock.advance(by: .seconds(60))
        #expect(try await self.count(idle, config) == nil)
        #expect(world.kinds.contains(.expired))
    }

    @Test("R11 storage is told the smaller remainder, rounded up", arguments: Store.allCases)
    func storageLife(store: Store) async throws {
        let world = try World(store)
        let config = try world.config(maxAge: .seconds(600), idleTimeout: .milliseconds(59_001)) {
            $0.touchInterval = .zero
        }
        let browser = Browser()
        _ = try await browser.visit(config) { try await increment($0) }
        #expect(world.counting.writes.map(\.ttl) == [.seconds(60)])
        for (wait, ttl) in [
            (50, 60), (50, 60), (50, 60), (50, 60), (50, 60), (50, 60), (50, 60), (50, 60), (50, 60), (50, 60),
            (50, 50), (49, 1),
        ] {
            _ = world.counting.reset()
            world.clock.advance(by: .seconds(wait))
            #expect(try await self.count(browser, config) == 1)
            #expect(world.counting.writes.map(\.ttl) == [.seconds(ttl)])
        }
    }

    @Test(
        "R17 a request that only reads writes nothing, and notes activity at most once per interval",
        arguments: Store.allCases)
    func readOnly(store: Store) async throws {
        let world = try World(store)
        let config = try world.config(idleTimeout: .seconds(600))
        let browser = Browser()
        _ = try await browser.visit(config) { try await increment($0) }
        _ = world.counting.reset()
        for second in 1...180 {
            world.clock.advance(by: .seconds(1))
            #expect(try await self.count(browser, config) == 1)
            let expected: [DriverCall.Operation] = second % 60 == 0 ? [.get, .swap] : [.get]
            #expect(world.counting.reset().map(\.operation) == expected)
        }
        let plain = try world.config(name: "plain")
        _ = try await browser.visit(plain) { try await increment($0) }
        _ = world.counting.reset()
        world.clock.advance(by: .seconds(80_000))
        #expect(try await self.count(browser, plain) == 1)
        #expect(world.counting.writes.isEmpty)
    }

    @Test("R21 a cookie is sent only when something about it changes", arguments: Store.allCases)
    func quietCookies(store: Store) async throws {
        let world = try World(store)
        let config = try world.config(idleTimeout: .seconds(600))
        let browser = Browser()
        _ = try await browser.visit(config) { try await increment($0) }
        for _ in 0..<5 {
            world.clock.advance(by: .seconds(100))
            let event = browser.request()
            try await useSession(event, config)
            _ = try await getSession(event, as: Visits.self)
            try await increment(event)
            #expect(event.setCookies.isEmpty)
            #expect(event.responseFields[.cacheControl] == nil)
        }
    }

    @Test(
        "R21 a rolling cookie follows the idle limit whenever activity is noted, and no longer than the absolute one",
        arguments: Store.allCases)
    func rolling(store: Store) async throws {
        let world = try World(store)
        let config = try world.config(maxAge: .seconds(1000), idleTimeout: .seconds(600), rolling: true)
        let browser = Browser()
        func maxAge(_ handler: (SessionEvent) async throws -> Void) async throws -> String? {
            let event = browser.request()
            try await useSession(event, config)
            try await handler(event)
            browser.receive(event)
            return event.setCookies.first?.split(separator: "; ").first { $0.hasPrefix("Max-Age") }.map(String.init)
        }
        #expect(try await maxAge { try await increment($0) } == "Max-Age=600")
        #expect(try await maxAge { _ = try await getSession($0, as: Visits.self) } == nil)
        world.clock.advance(by: .seconds(60))
        #expect(try await maxAge { _ in } == nil)
        #expect(try await maxAge { _ = try await getSession($0, as: Visits.self) } == "Max-Age=600")
        world.clock.advance(by: .seconds(500))
        #expect(try await maxAge { try await increment($0) } == "Max-Age=440")
    }

    @Test("R40 expired records vanish from storage without being presented again", arguments: Store.allCases)
    func cleanup(store: Store) async throws {
        let world = try World(store)
        let config = try world.config(idleTimeout: .seconds(60))
        for _ in 0..<10 { _ = try await Browser().visit(config) { try await increment($0) } }
        #expect(try await world.keys().count == 10)
        world.clock.advance(by: .seconds(61))
        #expect(try await world.keys().isEmpty)
    }

    @Test("tightened limits hold for old sessions at once, loosened ones for new sessions")
    func changedLimits() async throws {
        let world = try World()
        let loose = try world.config(idleTimeout: .seconds(600))
        let tight = try world.config(idleTimeout: .seconds(60))
        let browser = Browser()
        _ = try await browser.visit(loose) { try await increment($0) }
        world.clock.advance(by: .seconds(60))
        #expect(try await self.count(browser, tight) == nil)
        let other = Browser()
        _ = try await other.visit(tight) { try await increment($0) }
        world.clock.advance(by: .seconds(60))
        #expect(try await self.count(other, loose) == nil)
    }

    @Test(
        "A57 an expired session presented by many requests is removed once, and none of them has a session",
        arguments: Store.allCases)
    func manyExpired(store: Store) async throws {
        let world = try World(store)
        let storage = try world.forgetfulStorage()
        let config = try world.config(idleTimeout: .seconds(60), store: storage)
        let browser = Browser()
        _ = try await browser.visit(config) { try await increment($0) }
        world.clock.advance(by: .seconds(60))
        let found = try await withThrowingTaskGroup(of: Int?.self) { group in
            for _ in 0..<50 { group.addTask { try await self.count(browser.copy(), config) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(found.allSatisfy { $0 == nil })
        #expect(world.kinds.filter { $0 == .expired }.count == 1)
        #expect(try await storage.getKeys().isEmpty)
    }

    @Test("a wall clock that jumps back neither traps nor ends sessions")
    func clockJump() async throws {
        let world = try World()
        let config = try world.config(idleTimeout: .seconds(60))
        let browser = Browser()
        _ = try await browser.visit(config) { try await increment($0) }
        world.clock.advance(by: .seconds(-100_000))
        #expect(try await browser.visit(config) { try await increment($0) } == 2)
    }
}
