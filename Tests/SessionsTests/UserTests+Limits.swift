import KVStorage
import KVStorageTesting
import Sessions
import Testing

/// How many sessions a user has, and what becomes of the list.
extension UserTests {
    @Test("R32 a user has at most so many sessions: the oldest go", arguments: Store.allCases)
    func maximum(store: Store) async throws {
        let world = try World(store)
        let config = try world.config { $0.maximumPerUser = 3 }
        var browsers: [Browser] = []
        for _ in 0..<5 {
            browsers.append(try await self.logIn("ada", config))
            world.clock.advance(by: .seconds(1))
        }
        var alive: [Bool] = []
        for browser in browsers { alive.append(try await self.user(browser, config) == "ada") }
        #expect(alive == [false, false, true, true, true])
        #expect(try await listSessions(of: "ada", config).count == 3)
        #expect(try await world.records().count == 3)
        // Logging in again in one of them does not cost another one its place.
        _ = try await self.logIn("ada", config, browsers[2])
        for browser in browsers[2...] { #expect(try await self.user(browser, config) == "ada") }
    }

    @Test("R32 logins at the same time keep to the limit", arguments: Store.allCases)
    func maximumConcurrently(store: Store) async throws {
        let world = try World(store)
        let config = try world.config { $0.maximumPerUser = 3 }
        try await withThrowingTaskGroup { group in
            for _ in 0..<12 { group.addTask { _ = try await self.logIn("ada", config) } }
            try await group.waitForAll()
        }
        let count = try await listSessions(of: "ada", config).count
        #expect((1...3).contains(count))
        #expect(try await world.records().count == count)
    }

    @Test(
        "R34 entries whose record is gone are dropped, and cost no living session its place", arguments: Store.allCases)
    func healing(store: Store) async throws {
        let world = try World(store)
        let config = try world.config { $0.maximumPerUser = 2 }
        let first = try await self.logIn("ada", config)
        world.clock.advance(by: .seconds(1))
        let key = try #require(try await world.records().first)
        let second = try await self.logIn("ada", config)
        for record in try await world.records() where record != key { try await world.storage.removeItem(record) }
        world.clock.advance(by: .seconds(1))
        let third = try await self.logIn("ada", config)
        #expect(try await self.user(first, config) == "ada")
        #expect(try await self.user(second, config) == nil)
        #expect(try await self.user(third, config) == "ada")
        for record in try await world.records() { try await world.storage.removeItem(record) }
        #expect(try await listSessions(of: "ada", config).isEmpty)
        #expect(try await world.keys().isEmpty)
    }

    @Test("R34 A53 a damaged list is no obstacle, nor are foreign keys", arguments: Store.allCases)
    func damagedList(store: Store) async throws {
        let world = try World(store)
        let config = try world.config { $0.maximumPerUser = 2 }
        _ = try await self.logIn("ada", config)
        let key = try #require(try await world.keys().first { $0.contains(":users:") })
        try await world.storage.setItemRaw("sid:something", Array("else".utf8))
        for bytes in [[], [0], Array("garbage".utf8), Array("session-users/1\nx y z\n".utf8)] {
            try await world.storage.setItemRaw(key, bytes)
            #expect(try await code { _ = try await listSessions(of: "ada", config) } == .undecodable)
            #expect(world.kinds.last == .storageFailed)
            let browser = try await self.logIn("ada", config)
            #expect(try await self.user(browser, config) == "ada")
            #expect(try await listSessions(of: "ada", config).count == 1)
            // What the list does not name any more ends all the same.
            try await world.storage.setItemRaw(key, bytes)
            try await revokeSessions(of: "ada", config)
            #expect(try await self.user(browser, config) == nil)
            #expect(try await listSessions(of: "ada", config).isEmpty)
        }
    }
}
