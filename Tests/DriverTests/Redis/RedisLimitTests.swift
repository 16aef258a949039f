import KVStorage
import Testing

@testable import KVStorageRedis

/// Calls with a time limit of their own, on connections that others share.
@Suite("Redis time limits", .timeLimit(.minutes(5)))
struct RedisLimitTests {
    private static func driver(_ server: RedisServer) throws -> RedisDriver {
        var configuration = RedisDriver.Configuration()
        configuration.commandTimeout = .seconds(120)
        configuration.connectTimeout = .seconds(60)
        configuration.reconnectDelay = .milliseconds(1)...(.milliseconds(20))
        return try .redis(server.url, configuration)
    }

    @Test("have to be positive")
    func invalid() async throws {
        let driver = try RedisDriver.redis("redis://127.0.0.1:1")
        for limit in [Duration.zero, .seconds(-1)] {
            let error = #expect(throws: StorageError.self) { try driver.limited(to: limit) }
            #expect(error?.code == .invalidOption)
        }
        try await driver.dispose()
    }

    @Test("end a call that the server does not answer, and neither the connection nor others' calls")
    func unanswered() async throws {
        let server = try RedisServer()
        let driver = try Self.driver(server)
        let hasty = try driver.limited(to: .milliseconds(100))
        try await driver.setItem("k", [1], WriteOptions())
        #expect(try await hasty.limited(to: .seconds(60)).getItem("k") == [1])
        let epoch = try await driver.client.walk().servers[0].epoch
        server.freeze()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<4 { group.addTask { try #require(try await driver.getItem("k") == [1]) } }
            typealias Call = @Sendable () async throws -> Void
            let calls: [(name: String, call: Call)] = [
                ("getItem", { _ = try await hasty.getItem("k") }),
                ("getItems", { _ = try await hasty.getItems(["k", "l"]) }),
                ("getKeys", { _ = try await hasty.getKeys(KeyQuery()) }),
                ("getEntries", { _ = try await hasty.getEntries(["k", "l"]) }),
                ("setItem", { try await hasty.setItem("k", [1], WriteOptions()) }),
                ("apply", { _ = try await hasty.apply([.remove(key: "l"), .remove(key: "m")]) }),
                ("commit", { _ = try await hasty.commit(Commit(mutations: [.remove(key: "l")])) }),
                ("clear", { _ = try await hasty.clear("other") }),
            ]
            for (name, call) in calls {
                let error = await #expect(throws: StorageError.self, "\(name)") { try await call() }
                // What is behind others' commands may not have been sent yet.
                #expect(error?.code == .timeout || error?.code == .unavailable, "\(name)")
            }
            server.goOn()
            try await group.waitForAll()
        }
        #expect(try await hasty.limited(to: .seconds(60)).getItem("k") == [1])
        #expect(try await driver.client.walk().servers[0].epoch == epoch)
        try await driver.dispose()
    }

    @Test("end a call that could not be sent with nothing changed; others wait on")
    func unsent() async throws {
        let server = try RedisServer()
        let driver = try Self.driver(server)
        let hasty = try driver.limited(to: .milliseconds(50))
        server.kill()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await driver.setItem("patient", [1], WriteOptions()) }
            let error = await #expect(throws: StorageError.self) {
                try await hasty.setItem("hasty", [1], WriteOptions())
            }
            #expect(error?.code == .unavailable)
            try server.restart()
            try await group.waitForAll()
        }
        #expect(try await driver.getItem("patient") == [1])
        #expect(try await driver.getItem("hasty") == nil)
        try await driver.dispose()
    }

    @Test("hold in a cluster, for all that a call sends")
    func cluster() async throws {
        let cluster = try await RedisClusterServers()
        var configuration = RedisDriver.Configuration()
        configuration.commandTimeout = .seconds(120)
        let driver = try RedisDriver.redis(cluster.url, configuration)
        let keys = (0..<30).map { "k\($0)" }
        for key in keys { try await driver.setItem(key, [1], WriteOptions()) }
        let hasty = try driver.limited(to: .milliseconds(200))
        for server in cluster.servers[..<3] { server.freeze() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try #require(try await driver.getItems(keys).count == 30) }
            await #expect(throws: StorageError.self) { try await hasty.getItems(keys) }
            await #expect(throws: StorageError.self) { try await hasty.getKeys(KeyQuery()) }
            for server in cluster.servers[..<3] { server.goOn() }
            try await group.waitForAll()
        }
        #expect(try await hasty.limited(to: .seconds(60)).getItems(keys).count == 30)
        try await driver.dispose()
    }

    @Test("disposing of either disposes of both")
    func disposal() async throws {
        let server = try RedisServer.shared.get()
        let driver = try Self.driver(server)
        let limited = try driver.limited(to: .seconds(30))
        _ = try await limited.hasItem("k")
        try await limited.dispose()
        let error = await #expect(throws: StorageError.self) { try await driver.getItem("k") }
        #expect(error?.code == .closed)
        try await driver.dispose()
    }
}
