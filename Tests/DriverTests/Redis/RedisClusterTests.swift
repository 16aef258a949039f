import ChildProcess
import KVStorage
import KVStorageTesting
import Testing

@testable import KVStorageRedis

@Suite("Redis cluster", .timeLimit(.minutes(5)))
struct RedisClusterTests {
    static func storage(
        _ cluster: RedisClusterServers,
        _ prefix: String,
        _ change: (inout RedisDriver.Configuration) -> Void = { _ in }
    ) throws -> Storage {
        var configuration = RedisDriver.Configuration()
        configuration.prefix = prefix
        configuration.commandTimeout = .seconds(60)
        configuration.reconnectDelay = .milliseconds(1)...(.milliseconds(50))
        change(&configuration)
        return try Storage(.redis(cluster.url, configuration))
    }

    @Test("items are spread over the masters; batches, listings and clear go over all of them")
    func spread() async throws {
        let cluster = try await RedisClusterServers.shared.value
        let storage = try Self.storage(cluster, "spread")
        let names = (0..<300).map { "k\($0)" }
        try await storage.setItems(names.map { ($0, $0) }, ttl: .seconds(1000))
        for server in cluster.servers[..<3] {
            let reply = try await server.call("SCAN", "0", "MATCH", "spread:*", "COUNT", "100000").elements(
                count: 2, nil)
            let count = try reply[1].elements(nil).count
            #expect((50...150).contains(count), "about a third")
        }
        #expect(try await storage.getItems(names.reversed(), as: String.self) == names.reversed())
        #expect(Set(try await storage.getKeys()) == Set(names))
        var paged: [String] = []
        for try await key in storage.keys(in: "", pageSize: 7) { paged.append(key) }
        #expect(paged.sorted() == names.sorted())
        try await storage.removeItems(Array(names[..<100]))
        #expect(try await storage.clear() == 200)
        #expect(try await storage.getKeys().isEmpty)
        try await storage.dispose()
    }

    @Test("every key has its metadata on its own node, whatever braces it holds")
    func awkwardKeys() async throws {
        let cluster = try await RedisClusterServers.shared.value
        let storage = try Self.storage(cluster, "awkward")
        let names = [
            "plain", "{a}", "{a}b", "a{b}c", "{}", "{}a", "a}b", "}{", "{{a}}", "a{", "a{b", "}", "{a}}", "x{y}{z}",
        ]
        for name in names {
            try await storage.setItem(name, name)
            try await storage.setMeta(name, ["name": name])
        }
        for name in names {
            #expect(try await storage.getMeta(name)?.fields() == ["name": name])
            #expect(try await storage.takeItem(name) == name)
            try await storage.setItem(name, 1)
            #expect(try await storage.getMeta(name)?.fieldBytes == nil, "it went with the item")
        }
        #expect(Set(try await storage.getKeys()) == Set(names))
        #expect(try await storage.clear() == names.count)
        try await storage.dispose()
    }

    @Test("watching tells of all masters' changes")
    func watching() async throws {
        let cluster = try await RedisClusterServers.shared.value
        let storage = try Self.storage(cluster, "watched") { $0.watching = .notifications }
        let other = try Self.storage(cluster, "watched") { $0.watching = .notifications }
        var events = try await storage.watch().makeAsyncIterator()
        for number in 0..<20 {
            try await other.setItem("k\(number)", number)
            #expect(try await events.next() == .update("k\(number)"))
        }
        try await other.setItem("brief", 1, ttl: .milliseconds(30))
        #expect(try await events.next() == .update("brief"))
        #expect(try await events.next() == .remove("brief", .expired))
        for number in 0..<20 {
            try await other.setMeta("k\(number)", ["a": 1])
            #expect(try await events.next() == .update("k\(number)"))
            try await other.removeItem("k\(number)")
            #expect(try await events.next() == .remove("k\(number)", .removed))
        }
        for storage in [storage, other] { try await storage.dispose() }
    }

    @Test("four processes lose no increment", .tags(.processes))
    func processes() async throws {
        let cluster = try await RedisClusterServers.shared.value
        let processes = try (0..<4).map { _ in try ChildProcess(storage: ["increment", cluster.url, "500"]) }
        for process in processes { #expect(await process.status() == 0) }
        let storage = try Self.storage(cluster, "")
        #expect(try await storage.takeItem("counter", as: Int.self) == 2000)
        try await storage.dispose()
    }

    @Test("a URL of the wrong kind says which to use")
    func wrongKind() async throws {
        let cluster = try await RedisClusterServers.shared.value
        let single = try Storage(.redis("redis://127.0.0.1:\(cluster.servers[0].port)"))
        let codes = await (0..<10).asyncCodes { try await single.setItem("k\($0)", 1) }
        #expect(codes.contains(.invalidOption) && codes.allSatisfy { $0 == nil || $0 == .invalidOption })
        try await single.dispose()
        let server = try RedisServer.shared.get()
        let storage = try Storage(.redis("redis-cluster://127.0.0.1:\(server.port)"))
        let error = await #expect(throws: StorageError.self) { try await storage.setItem("k", 1) }
        #expect(error?.code == .invalidOption)
        #expect(error?.message.contains("redis://") == true)
        try await storage.dispose()
    }

    @Test("nodes that are all away are an error in time")
    func away() async throws {
        var configuration = RedisDriver.Configuration()
        configuration.commandTimeout = .milliseconds(300)
        let storage = try Storage(.redis("redis-cluster://127.0.0.1:1,127.0.0.1:2", configuration))
        for _ in 0..<2 {
            let error = await #expect(throws: StorageError.self) { try await storage.getItem("k", as: Int.self) }
            #expect(error?.code == .unavailable)
        }
        let error = await #expect(throws: StorageError.self) { try await storage.getKeys() }
        #expect(error?.code == .unavailable)
        try await storage.dispose()
    }

    @Test("what a cluster can't do is refused when the driver is made")
    func refused() throws {
        let changes: [(inout RedisDriver.Configuration) -> Void] = [
            { $0.database = 1 }, { $0.prefix = "a{b" }, { $0.prefix = "a}b" }, { $0.prefix = "{}" },
        ]
        for change in changes {
            var configuration = RedisDriver.Configuration()
            change(&configuration)
            let error = #expect(throws: StorageError.self) {
                try RedisDriver.redis("redis-cluster://one", configuration)
            }
            #expect(error?.code == .invalidOption)
        }
        var configuration = RedisDriver.Configuration()
        #expect(try !RedisDriver.redis("redis-cluster://one", configuration).capabilities.contains(.atomicCommit))
        #expect(try RedisDriver.redis("redis-cluster://one", configuration).capabilities.watching == .none)
        #expect(try RedisDriver.redis("redis://one", configuration).capabilities.watching == .external)
        configuration.prefix = "{app}"
        #expect(try RedisDriver.redis("redis-cluster://one", configuration).capabilities.contains(.atomicCommit))
    }
}

extension Range<Int> {
    /// Calls the body with each number and returns the codes of what it threw.
    func asyncCodes(_ body: (Int) async throws -> Void) async -> [StorageError.Code?] {
        var codes: [StorageError.Code?] = []
        for number in self {
            do {
                try await body(number)
                codes.append(nil)
            } catch {
                codes.append((error as? StorageError)?.code)
            }
        }
        return codes
    }
}
