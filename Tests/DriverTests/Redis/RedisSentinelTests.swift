import KVStorage
import KVStorageTesting
import Synchronization
import Testing

@testable import KVStorageRedis

@Suite("Redis sentinels", .timeLimit(.minutes(5)))
struct RedisSentinelTests {
    @Test("a killed master: calls wait for its successor, what it had acknowledged is there")
    func failover() async throws {
        let servers = try await RedisSentinelServers()
        let observer = RecordingObserver()
        let storage = try RedisFaultTests.storage(servers.url, timeout: .seconds(60)) { $0.observer = observer }
        for number in 0..<100 { try await storage.setItem("before:\(number)", number) }
        let master = try await servers.master()
        // Redis replicates after it has acknowledged.
        guard case .integer(2) = try await master.call("WAIT", "2", "10000") else {
            Issue.record("the replicas have everything")
            return
        }
        master.kill()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<16 {
                group.addTask {
                    // The first may have been handed to a socket whose end had not been noticed.
                    do throws(StorageError) {
                        try await storage.setItem("during:\(number)", number)
                    } catch {
                        #expect(error.code == .connectionLost)
                        try await storage.setItem("during:\(number)", number)
                    }
                    #expect(try await storage.getItem("during:\(number)") == number)
                }
            }
            try await group.waitForAll()
        }
        for number in 0..<100 { #expect(try await storage.getItem("before:\(number)") == number) }
        var successor = master
        while successor.port == master.port { successor = try await servers.master() }
        #expect(observer.events.contains("topology 127.0.0.1:\(successor.port)"))
        #expect(observer.events.contains("connected 127.0.0.1:\(successor.port)"))
        try await storage.dispose()
    }

    @Test("a failover by command: the former master lives on, and is left; watchers go along")
    func planned() async throws {
        let servers = try await RedisSentinelServers()
        let storage = try RedisFaultTests.storage(servers.url, timeout: .seconds(60))
        let watcher = try await storage.watch()
        try await storage.setItem("n", 1)
        let former = try await servers.master()
        _ = try await former.call("WAIT", "2", "10000")
        _ = try await servers.sentinels[0].call(["SENTINEL", "FAILOVER", "main"])
        while try await servers.master().port == former.port { await Task.yield() }
        // Each either was done by the one or the other, or may have been.
        let successor = try await servers.master()
        var sum = 0
        while try await successor.text("GET", "n") != "\(sum)" {
            do throws(StorageError) {
                sum = try await storage.incrementItem("n")
            } catch {
                #expect(error.code == .connectionLost)
            }
        }
        // A change by another client of the successor is told.
        let told = Task {
            for await event in watcher where event == .update("told") { return true }
            return false
        }
        let teller = Task {
            while !Task.isCancelled {
                try await successor.check("SET", "told", "1")
                await Task.yield()
            }
        }
        #expect(await told.value)
        teller.cancel()
        try await storage.dispose()
    }

    @Test("sentinels that are away, or have a password, or do not know the service")
    func errors() async throws {
        let servers = try await RedisSentinelServers(password: "guard")
        let options = { (configuration: inout RedisDriver.Configuration) in
            configuration.sentinelCredentials = .init(password: "guard")
        }
        let storage = try RedisFaultTests.storage(servers.url, options)
        try await storage.setItem("k", 1)
        try await storage.dispose()

        let without = try RedisFaultTests.storage(servers.url)
        let denied = await #expect(throws: StorageError.self) { try await without.getItem("k", as: Int.self) }
        #expect(denied?.code == .permissionDenied && denied?.message.contains("sentinelCredentials") == true)
        try await without.dispose()

        let unknown = try RedisFaultTests.storage(servers.url(service: "other"), options)
        let error = await #expect(throws: StorageError.self) { try await unknown.getItem("k", as: Int.self) }
        #expect(error?.code == .invalidOption && error?.message.contains("\"other\"") == true)
        #expect(error?.message.contains("guard") == false)
        try await unknown.dispose()

        servers.sentinels[0].kill()
        servers.sentinels[2].kill()
        let one = try RedisFaultTests.storage(servers.url, options)
        #expect(try await one.getItem("k") == 1)
        servers.sentinels[1].kill()
        #expect(try await one.getItem("k") == 1, "the connection needs no sentinel")
        try await one.dispose()
        let none = try RedisFaultTests.storage(servers.url, timeout: .seconds(1), options)
        let away = await #expect(throws: StorageError.self) { try await none.getItem("k", as: Int.self) }
        #expect(away?.code == .unavailable && away?.message.contains("no sentinel") == true)
        try await none.dispose()
    }

    @Test("a server that a sentinel names, but that is no master, is not used")
    func role() async throws {
        let commands = Counter()
        let server = try ScriptedServer { words, connection in
            switch words[0] {
            case "PING": return "+PONG\r\n"
            case "ROLE":
                return connection < 3 ? "*2\r\n$5\r\nslave\r\n$1\r\nx\r\n" : "*2\r\n$6\r\nmaster\r\n:0\r\n"
            case "GET":
                commands.add()
                #expect(connection == 3)
                return "$1\r\n4\r\n"
            default: return "+OK\r\n"
            }
        }
        let port = "\(server.port)"
        let asked = Counter()
        let sentinel = try ScriptedServer { words, _ in
            guard words[0] == "SENTINEL" else {
                return words[0] == "PSUBSCRIBE" ? "*3\r\n$1\r\np\r\n$1\r\nq\r\n:1\r\n" : "+OK\r\n"
            }
            asked.add()
            return "*2\r\n$9\r\n127.0.0.1\r\n$\(port.count)\r\n\(port)\r\n"
        }
        let storage = try RedisFaultTests.storage(
            "redis-sentinel://127.0.0.1:\(sentinel.port)/main", timeout: .seconds(60))
        #expect(try await storage.getItem("k") == 4)
        #expect(commands.now == 1 && asked.now >= 3, "each attempt asks anew")
        try await storage.dispose()
    }

    private static let places = Atomic<Int>(0)

    private static func subject(url: String) -> ConformanceSubject {
        let open: @Sendable (String) throws -> RedisDriver = { place in
            var configuration = RedisDriver.Configuration()
            configuration.prefix = place
            configuration.scanCount = 10_000
            configuration.commandTimeout = .seconds(30)
            return try RedisDriver.redis(url, configuration)
        }
        return ConformanceSubject(
            "sentinel",
            takesClock: false,
            place: { "place\(Self.places.wrappingAdd(1, ordering: .relaxed).newValue)" },
            cleanUp: { place in
                let driver = try open(place)
                _ = try await driver.clear("")
                try await driver.dispose()
            },
            driver: { place, _ in try open(place) }
        )
    }

    @Test(
        .serialized,
        arguments: try await ConformanceSuite.cases(
            for: [Self.subject(url: RedisSentinelServers.shared.value.url)]))
    func conformance(_ conformance: ConformanceCase) async throws {
        try await conformance.run()
    }
}
