import KVStorage
import KVStorageTesting
import Sessions
import Testing

@Suite("Clocks and limits that change")
struct ClockTests {
    private func count(_ browser: Browser, _ config: SessionConfig<Visits>) async throws -> Int? {
        try await browser.visit(config) { try await getSession($0, as: Visits.self)?.count }
    }

    @Test(
        "A52 a session made while a clock was ahead lives as long as any other from when that is found",
        arguments: Store.allCases, [86_400, 10 * 365 * 86_400] as [Int64])
    func ahead(store: Store, seconds: Int64) async throws {
        let world = try World(store)
        let config = try world.config(maxAge: .seconds(1000), idleTimeout: .seconds(100))
        world.clock.advance(by: .seconds(seconds))
        let browser = Browser()
        _ = try await browser.visit(config) { try await increment($0) }
        world.clock.advance(by: .seconds(-seconds))
        #expect(try await self.count(browser, config) == 1)
        for _ in 0..<10 {
            world.clock.advance(by: .seconds(99))
            #expect(try await self.count(browser, config) == 1)
        }
        // The absolute limit runs from the first load with the right time.
        world.clock.advance(by: .seconds(10))
        #expect(try await self.count(browser, config) == nil)

        let idle = Browser()
        world.clock.advance(by: .seconds(seconds))
        _ = try await idle.visit(config) { try await increment($0) }
        world.clock.advance(by: .seconds(-seconds))
        #expect(try await self.count(idle, config) == 1)
        world.clock.advance(by: .seconds(100))
        #expect(try await self.count(idle, config) == nil)
    }

    @Test("A52 a clock that is a little ahead changes nothing")
    func aLittle() async throws {
        let world = try World()
        let config = try world.config(maxAge: .seconds(1000))
        world.clock.advance(by: .seconds(299))
        let browser = Browser()
        _ = try await browser.visit(config) { try await increment($0) }
        world.clock.advance(by: .seconds(-299))
        _ = world.counting.reset()
        #expect(try await self.count(browser, config) == 1)
        #expect(world.counting.writes.isEmpty)
    }

    @Test(
        "R09 R17 without an idle limit in the configuration, sessions that have one are noted as seldom as they need",
        arguments: Store.allCases)
    func removedIdleLimit(store: Store) async throws {
        let world = try World(store)
        let browser = Browser()
        _ = try await browser.visit(try world.config(idleTimeout: .seconds(600))) { try await increment($0) }
        let config = try world.config()
        _ = world.counting.reset()
        for _ in 0..<10 { #expect(try await self.count(browser, config) == 1) }
        #expect(world.counting.writes.isEmpty)
        for _ in 0..<20 {
            world.clock.advance(by: .seconds(60))
            #expect(try await self.count(browser, config) == 1)
        }
        #expect(world.counting.writes.count == 20)
        world.clock.advance(by: .seconds(600))
        #expect(try await self.count(browser, config) == nil)
    }

    @Test("R09 loosening the idle limit ends no session that is in use", arguments: Store.allCases)
    func loosened(store: Store) async throws {
        for (old, new, interval) in [(30, 3600, nil), (300, 3600, 600)] as [(Int64, Int64, Int64?)] {
            let world = try World(store)
            let browser = Browser()
            _ = try await browser.visit(try world.config(idleTimeout: .seconds(old))) { try await increment($0) }
            let config = try world.config(idleTimeout: .seconds(new)) {
                $0.touchInterval = interval.map { .seconds($0) }
            }
            for _ in 0..<40 {
                world.clock.advance(by: .seconds(old / 6))
                #expect(try await self.count(browser, config) == 1)
            }
        }
    }
}
