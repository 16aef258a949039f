import KVStorage
import Testing

@testable import KVStorageRedis

/// What the servers of a cluster have done, and waiting for them.
extension RedisReplicaTests {
    func until(_ condition: () async throws -> Bool) async throws {
        while !(try await condition()) {
            try Task.checkCancellation()
            await Task.yield()
        }
    }

    /// Returns the master of a key's slot, and its replica.
    func pair(of name: String, _ cluster: RedisClusterServers) async throws -> (RedisServer, RedisServer) {
        let slot = Array(name.utf8).withUnsafeBytes { Slot.slot(of: $0) }
        let topology = try await cluster.servers[0].topology()
        func server(_ endpoint: Endpoint?) throws -> RedisServer {
            try #require(cluster.servers.first { endpoint == .host("127.0.0.1", port: $0.port) })
        }
        return (try server(topology.master(of: slot)), try server(topology.replicas(of: slot).first))
    }

    func counts(_ servers: some Sequence<RedisServer>) async throws -> [String: Int] {
        var counts = ["get": 0, "exists": 0, "mget": 0, "pttl": 0]
        for server in servers {
            let statistics = try await server.text("INFO", "commandstats")
            for name in counts.keys { counts[name, default: 0] += statistics.number(after: "cmdstat_\(name):calls=") }
        }
        return counts
    }

    /// What plain reads add to the counts of masters and of replicas.
    func increase(
        _ cluster: RedisClusterServers,
        _ body: () async throws -> Void
    ) async throws -> (masters: [String: Int], replicas: [String: Int]) {
        var masters: Set<Int> = []
        for slot in [0, 8000, 16_000] { masters.insert(try await cluster.master(of: slot)?.port ?? 0) }
        let groups = [true, false].map { kind in cluster.servers.filter { masters.contains($0.port) == kind } }
        let before = [try await self.counts(groups[0]), try await self.counts(groups[1])]
        try await body()
        let after = [try await self.counts(groups[0]), try await self.counts(groups[1])]
        let increases = zip(after, before).map { $0.merging($1) { $0 - $1 } }
        return (increases[0], increases[1])
    }
}
