import Foundation

@testable import KVStorageRedis

/// A cluster of the tests' own: three masters with a replica each.
final class RedisClusterServers: Sendable {
    let servers: [RedisServer]

    /// One for all tests that leave it as it is.
    static let shared = Task { try await RedisClusterServers() }

    /// The driver's URL; names two of the masters.
    var url: String { "redis-cluster://127.0.0.1:\(self.servers[0].port),127.0.0.1:\(self.servers[1].port)" }

    /// - Parameters:
    ///   - replicasTakeOver: Whether a replica takes a master's place that does not answer, soon. Without that nothing
    ///     acknowledged is lost where a busy machine keeps a master from answering.
    ///   - arguments: Further ones for a server, given its TLS port, to be reached by the others there. `nil` by default,
    ///     for a cluster without TLS.
    init(replicasTakeOver: Bool = false, encrypted arguments: ((_ port: Int) -> [String])? = nil) async throws {
        let failover =
            replicasTakeOver
            ? ["--cluster-node-timeout", "1500"]
            : ["--cluster-node-timeout", "10000", "--cluster-replica-no-failover", "yes"]
        self.servers = try (0..<6).map { _ in
            let security = try arguments.map { $0(try LoopbackSocket.freePort()) } ?? []
            return try RedisServer(
                [
                    "--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf",
                    "--cluster-port", "\(try LoopbackSocket.freePort())", "--notify-keyspace-events", "Kg$xe",
                    "--repl-diskless-sync-delay", "0", "--appendonly", "yes", "--appendfsync", "no",
                ] + failover + security
            )
        }
        let ranges = [("0", "5460"), ("5461", "10922"), ("10923", "16383")]
        for (server, range) in zip(self.servers, ranges) {
            try await server.check("CLUSTER", "ADDSLOTSRANGE", range.0, range.1)
        }
        for (number, server) in self.servers.enumerated() {
            try await server.check("CLUSTER", "SET-CONFIG-EPOCH", "\(number + 1)")
            guard number > 0 else { continue }
            let busPort = server.argument("--cluster-port") ?? ""
            let port = server.argument("--tls-port") ?? "\(server.port)"
            try await self.servers[0].check("CLUSTER", "MEET", "127.0.0.1", port, busPort)
        }
        for server in self.servers { try await server.wait("CLUSTER", "INFO") { $0.contains("cluster_known_nodes:6") } }
        for (replica, master) in zip(self.servers[3...], self.servers[..<3]) {
            let identifier = try await master.text("CLUSTER", "MYID")
            try await replica.wait("CLUSTER", "NODES") { $0.contains(identifier) }
            try await replica.check("CLUSTER", "REPLICATE", identifier)
        }
        for server in self.servers { try await server.wait("CLUSTER", "INFO") { $0.contains("cluster_state:ok") } }
        for replica in self.servers[3...] {
            try await replica.wait("INFO", "replication") { $0.contains("master_link_status:up") }
        }
        for server in self.servers {
            try await server.wait("CLUSTER", "NODES") {
                $0.matches(of: /slave/).count == 3 && !$0.contains("handshake")
            }
        }
    }

    /// The place of the master that serves the slot, as one of the nodes sees it.
    func master(of slot: Int) async throws -> RedisServer? {
        for server in self.servers where server.identifier != nil {
            let reply = try await server.call("CLUSTER", "SLOTS")
            let topology = try Topology(reply, asked: .host("127.0.0.1", port: server.port))
            let owner = topology.master(of: slot)
            if let found = self.servers.first(where: { owner == .host("127.0.0.1", port: $0.port) }) { return found }
        }
        return nil
    }
}

extension RedisServer {
    /// What follows the argument of that name.
    func argument(_ name: String) -> String? {
        self.arguments.firstIndex(of: name).map { self.arguments[$0 + 1] }
    }

    /// Sends a command that has to succeed.
    func check(_ words: String...) async throws {
        let reply = try await self.call(words)
        guard case .error(let error) = reply else { return }
        throw Failure(description: "\(words): \(error)")
    }

    func text(_ words: String...) async throws -> String {
        String(decoding: try await self.call(words).bytesOrNull(nil) ?? [], as: UTF8.self)
    }

    /// Asks until the answer is as it should be.
    func wait(_ words: String..., until condition: (String) -> Bool) async throws {
        while true {
            let answer = String(decoding: try await self.call(words).bytesOrNull(nil) ?? [], as: UTF8.self)
            if condition(answer) { return }
            try Task.checkCancellation()
            await Task.yield()
        }
    }
}
