import KVStorage
import KVStorageTesting
import Sessions
import Testing

/// What holds between the processes of one site, which share a SQLite file and nothing else.
@Suite("Several processes")
struct ProcessTests {
    private func session(_ world: World) async throws -> Browser {
        let browser = Browser()
        _ = try await browser.visit(try world.config()) { try await increment($0) }
        return browser
    }

    private func count(_ browser: Browser, _ world: World) async throws -> Int? {
        try await browser.copy().visit(try world.config()) { try await getSession($0, as: Visits.self)?.count }
    }

    /// The time of this machine, as the other processes have it.
    private func world() throws -> World {
        let world = try World(.sqlite)
        world.clock.advance(by: world.clock.now.duration(to: SystemClock().now))
        return world
    }

    @Test("R16 A46 updates by several processes are all kept")
    func updates() async throws {
        let world = try self.world()
        let browser = try await self.session(world)
        let servers = try (0..<3).map { _ in try ServerProcess("increment", world, browser, count: 100) }
        for _ in 0..<100 { _ = try await browser.copy().visit(try world.config()) { try await increment($0) } }
        for server in servers { #expect(try await server.lines().count == 100) }
        #expect(try await self.count(browser, world) == 401)
    }

    @Test(
        "R15 A40 A41 A42 A43 what ends in one process stays ended in the others", arguments: ["destroy", "regenerate"])
    func ends(end: String) async throws {
        let world = try self.world()
        let config = try world.config()
        let browser = try await self.session(world)
        let thief = browser.copy()
        let servers = try (0..<2).map { _ in try ServerProcess("increment", world, browser, count: 1_000_000) }
        while try await self.count(browser, world) ?? 0 < 20 {
            try Task.checkCancellation()
            await Task.yield()
        }
        switch end {
        case "destroy": try await browser.visit(config) { try await destroySession($0) }
        default: try await browser.visit(config) { try await regenerateSession($0) }
        }
        for server in servers {
            let last = try await server.lines().last
            #expect(last == "none" || last == "error gone")
        }
        #expect(try await self.count(thief, world) == nil)
        #expect(try await world.keys().count == (end == "destroy" ? 0 : 1))
    }

    @Test("A51 a process that is killed leaves the session as it was or as it was to be")
    func killed() async throws {
        let world = try self.world()
        let browser = try await self.session(world)
        for _ in 0..<5 {
            let before = try #require(try await self.count(browser, world))
            let server = try ServerProcess("increment", world, browser, count: 1_000_000)
            while try await self.count(browser, world) ?? 0 < before + 10 {
                try Task.checkCancellation()
                await Task.yield()
            }
            server.kill()
            let acknowledged = try #require(try await server.lines().last.flatMap { Int($0) })
            let count = try #require(try await self.count(browser, world))
            #expect(count == acknowledged || count == acknowledged + 1)
        }
    }

    @Test("R08 A44 A57 a session that expired is one for no process")
    func expired() async throws {
        let world = try self.world()
        world.clock.advance(by: .seconds(-86_400))
        let browser = try await self.session(world)
        let servers = try (0..<3).map { _ in try ServerProcess("read", world, browser) }
        for server in servers { #expect(try await server.lines() == ["none"]) }
        world.clock.advance(by: .seconds(86_400))
        #expect(try await world.keys().isEmpty)
    }
}
