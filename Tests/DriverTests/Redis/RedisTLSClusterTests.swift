import KVStorage
import KVStorageTesting
import Testing

@testable import KVStorageRedis

#if RedisTLSSupport

@Suite("Redis cluster over TLS", .timeLimit(.minutes(5)))
struct RedisTLSClusterTests {
    /// One for all tests that leave it as it is.
    private static let shared = Task { try await Self.makeCluster() }

    private static func makeCluster(replicasTakeOver: Bool = false) async throws -> RedisClusterServers {
        let server = try RedisTLSTests.server.get()
        return try await RedisClusterServers(replicasTakeOver: replicasTakeOver) { port in
            server.arguments(port: port) + ["--tls-cluster", "yes", "--tls-replication", "yes"]
        }
    }

    private static func url(_ cluster: RedisClusterServers) -> String {
        let ports = cluster.servers[..<2].compactMap { $0.argument("--tls-port") }
        return "rediss-cluster://" + ports.map { "127.0.0.1:\($0)" }.joined(separator: ",")
    }

    private static func storage(
        _ cluster: RedisClusterServers,
        _ change: (inout RedisDriver.Configuration) -> Void = { _ in }
    ) throws -> Storage {
        var configuration = RedisTLSTests.configuration(try RedisTLSTests.server.get())
        configuration.commandTimeout = .seconds(60)
        change(&configuration)
        return try Storage(.redis(Self.url(cluster), configuration))
    }

    /// Items spread over the nodes.
    @Test(
        .serialized,
        arguments: try await ConformanceSuite.cases(
            for: [RedisTLSTests.subject("TLS cluster", url: Self.url(Self.shared.value))]))
    func conformance(_ conformance: ConformanceCase) async throws {
        try await conformance.run()
    }

    @Test("items are spread over all masters, and nothing is said in the clear")
    func spread() async throws {
        let cluster = try await Self.shared.value
        // Other tests use the cluster meanwhile; each connection of this one tells who it is.
        let name = "spread\(UInt64.random(in: 0 ... .max))"
        let storage = try Self.storage(cluster) { $0.clientName = name }
        let names = (0..<300).map { "k\($0)" }
        try await storage.setItems(names.map { ($0, $0) }, ttl: .seconds(1000))
        #expect(try await storage.getItems(names.reversed(), as: String.self) == names.reversed())
        #expect(Set(try await storage.getKeys()) == Set(names))
        for server in cluster.servers[..<3] {
            let clients = try await server.text("CLIENT", "LIST").split(separator: "\n")
                .filter { $0.contains("name=\(name)") }
            let port = try #require(server.argument("--tls-port"))
            #expect(!clients.isEmpty && clients.allSatisfy { $0.contains(" laddr=127.0.0.1:\(port) ") })
        }
        #expect(try await storage.clear() == names.count)
        try await storage.dispose()
    }

    @Test("replicas are read and all masters watched")
    func replicasAndWatching() async throws {
        let cluster = try await Self.shared.value
        let name = "replicas\(UInt64.random(in: 0 ... .max))"
        let storage = try Self.storage(cluster) {
            $0.clientName = name
            $0.readsFrom = .replica
            $0.watching = .notifications
        }
        var events = try await storage.watch().makeAsyncIterator()
        for number in 0..<20 {
            try await storage.setItem("k\(number)", number)
            #expect(try await events.next() == .update("k\(number)"))
        }
        // A replica is read once the nodes tell of it; nothing else has these have connections of this name.
        for replica in cluster.servers[3...] {
            while try await !replica.text("CLIENT", "LIST").contains("name=\(name) ") {
                for number in 0..<20 { _ = try await storage.getItem("k\(number)", as: Int.self) }
                try Task.checkCancellation()
                await Task.yield()
            }
        }
        #expect(try await storage.clear() == 20)
        try await storage.dispose()
    }

    @Test("when a master dies, its replica is spoken to by TLS as well")
    func failover() async throws {
        let cluster = try await Self.makeCluster(replicasTakeOver: true)
        let storage = try Self.storage(cluster)
        let names = (0..<60).map { "k\($0)" }
        try await storage.setItems(names.map { ($0, $0) })
        // What was not passed on would be lost.
        for server in cluster.servers[..<3] {
            while try await server.call("WAIT", "1", "0").integer(nil) < 1 { try Task.checkCancellation() }
        }
        cluster.servers[2].kill()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for name in names {
                group.addTask { try await Self.rewrite(name, in: storage) }
            }
            try await group.waitForAll()
        }
        #expect(try await storage.getItems(names, as: String.self) == names.map { "new \($0)" })
        try await storage.dispose()
    }

    /// Reads what was stored, then writes until that is acknowledged.
    private static func rewrite(_ name: String, in storage: Storage) async throws {
        #expect(try await storage.getItem(name) == name)
        while true {
            do throws(StorageError) {
                return try await storage.setItem(name, "new \(name)")
            } catch {
                guard error.code == .connectionLost || error.code == .timeout else { throw error }
            }
        }
    }

    @Test("nodes whose certificates nobody vouches for are refused at once")
    func untrusted() async throws {
        let cluster = try await Self.shared.value
        let changes: [(inout RedisDriver.Configuration.TLS) -> Void] = [
            { $0.certificateAuthorityFile = nil }, { $0.serverName = "another.example" },
        ]
        for change in changes {
            let storage = try Self.storage(cluster) { configuration in
                if var tls = configuration.tls {
                    change(&tls)
                    configuration.tls = tls
                }
            }
            let calls: [() async throws -> Void] = [
                { _ = try await storage.getItem("k", as: Int.self) }, { try await storage.setItem("k", 1) },
                { _ = try await storage.getItems(["a", "b"], as: Int.self) }, { _ = try await storage.getKeys() },
            ]
            for call in calls {
                let error = await #expect(throws: StorageError.self) { try await call() }
                #expect(error?.code == .permissionDenied)
                #expect(error?.message.contains("certificate is not trusted") == true)
            }
            try await storage.dispose()
        }
    }

    @Test("each node's certificate has to be for what the cluster calls the node, or for the name that is given")
    func names() async throws {
        // A cluster of one node, whose certificate is for no address.
        let node = try RedisTLSServer(
            names: "DNS:localhost",
            [
                "--cluster-enabled", "yes", "--cluster-port", "\(try LoopbackSocket.freePort())", "--tls-cluster",
                "yes",
            ]
        )
        try await node.server.check("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
        try await node.server.wait("CLUSTER", "INFO") { $0.contains("cluster_state:ok") }
        let attempt = { (serverName: String?) async throws(StorageError) in
            var configuration = RedisTLSTests.configuration(node) { $0.serverName = serverName }
            configuration.commandTimeout = .seconds(60)
            let storage = try Storage(.redis("rediss-cluster://localhost:\(node.port)", configuration))
            do throws(StorageError) {
                try await storage.setItem("k", 1)
                let taken: Int? = try await storage.takeItem("k")
                #expect(taken == 1)
            } catch {
                try await storage.dispose()
                throw error
            }
            try await storage.dispose()
        }
        // It knows no address of its own, so the one that was asked is meant.
        try await attempt(nil)
        try await node.server.check("CONFIG", "SET", "cluster-announce-ip", "127.0.0.1")
        let error = await #expect(throws: StorageError.self) { try await attempt(nil) }
        #expect(error?.code == .permissionDenied)
        #expect(error?.message.contains("127.0.0.1:\(node.port)") == true)
        #expect(error?.message.contains("certificate is not trusted") == true)
        try await attempt("localhost")
        try await node.server.check("CONFIG", "SET", "cluster-announce-hostname", "localhost")
        try await node.server.check("CONFIG", "SET", "cluster-preferred-endpoint-type", "hostname")
        try await attempt(nil)
    }
}

#endif
