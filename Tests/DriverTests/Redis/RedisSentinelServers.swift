import ChildProcess
import Foundation
import Synchronization

@testable import KVStorageRedis

/// A master with two replicas, and three sentinels that watch over it as the service `main`.
final class RedisSentinelServers: Sendable {
    let servers: [RedisServer]
    let sentinels: [RedisSentinelServer]

    /// One for all tests that leave it as it is: on a busy machine its master is not taken for dead, as what it has not yet
    /// passed on to its successor would be lost.
    static let shared = Task { try await RedisSentinelServers(downAfter: 120_000) }

    /// Names all sentinels.
    var url: String { self.url(service: "main") }

    func url(service: String, userinfo: String = "") -> String {
        let places = self.sentinels.map { "127.0.0.1:\($0.port)" }.joined(separator: ",")
        return "redis-sentinel://\(userinfo)\(places)/\(service)"
    }

    /// - Parameters:
    ///   - password: The sentinels'; `nil` for none.
    ///   - downAfter: After how many milliseconds without an answer a server is taken for dead.
    init(password: String? = nil, downAfter: Int = 1000) async throws {
        let master = try RedisServer(Self.arguments)
        self.servers =
            [master]
            + (try (0..<2).map { _ in
                try RedisServer(Self.arguments + ["--replicaof", "127.0.0.1 \(master.port)"])
            })
        for replica in self.servers[1...] {
            try await replica.wait("INFO", "replication") { $0.contains("master_link_status:up") }
        }
        self.sentinels = try (0..<3).map { _ in try RedisSentinelServer(masterPort: master.port, password, downAfter) }
        for sentinel in self.sentinels {
            try await sentinel.wait { $0.contains("slaves=2") && $0.contains("sentinels=3") }
        }
    }

    private static let arguments = [
        "--repl-diskless-sync-delay", "0", "--notify-keyspace-events", "Kg$xe", "--repl-timeout", "5",
    ]

    /// The server that the sentinels take for the master.
    func master() async throws -> RedisServer {
        let port = try await self.sentinels[0].masterPort()
        guard let server = self.servers.first(where: { $0.port == port }) else {
            throw RedisServer.Failure(description: "no server is the master")
        }
        return server
    }
}

/// A `redis-sentinel` of the tests' own.
final class RedisSentinelServer: Sendable {
    let port: Int
    private let folder: TemporaryFolder
    private let process: ChildProcess
    private let password: String?

    init(masterPort: Int, _ password: String?, _ downAfter: Int) throws {
        self.port = try LoopbackSocket.freePort()
        self.folder = try TemporaryFolder()
        self.password = password
        let file = self.folder.file("sentinel.conf")
        let login = password.map { "requirepass \($0)\nsentinel sentinel-pass \($0)\n" } ?? ""
        let text = """
            port \(self.port)
            bind 127.0.0.1
            \(login)sentinel monitor main 127.0.0.1 \(masterPort) 2
            sentinel down-after-milliseconds main \(downAfter)
            sentinel failover-timeout main 5000
            sentinel parallel-syncs main 2
            """
        try text.write(toFile: file, atomically: true, encoding: .utf8)
        self.process = try ChildProcess("/usr/bin/redis-server", [file, "--sentinel"], error: .none)
        let process = self.process
        RedisServer.killAtExit(process)
        Thread.detachNewThread { while !process.read().isEmpty {} }
    }

    deinit {
        self.kill()
    }

    func kill() {
        RedisServer.hasStopped(self.process)
        self.process.kill()
        _ = self.process.wait()
    }

    func call(_ words: [String]) async throws -> Reply {
        var options = Connection.Options(endpoint: .host("127.0.0.1", port: self.port))
        options.password = self.password.map { Secret($0) }
        options.commandTimeout = .seconds(30)
        let connection = try Connection(options)
        let reply = try await connection.send(isRepeatable: true) { writer in
            writer.begin(words.count)
            for word in words { writer.word(word) }
        }
        await connection.close()
        return reply
    }

    func masterPort() async throws -> Int {
        let parts = try await self.call(["SENTINEL", "GET-MASTER-ADDR-BY-NAME", "main"]).elements(nil)
        return Int(String(decoding: try parts.last?.bytesOrNull(nil) ?? [], as: UTF8.self)) ?? 0
    }

    /// Waits until the sentinel sees it so.
    func wait(until condition: (String) -> Bool) async throws {
        while true {
            let reply = try await self.call(["INFO", "sentinel"])
            if condition(String(decoding: try reply.bytesOrNull(nil) ?? [], as: UTF8.self)) { return }
            try Task.checkCancellation()
            await Task.yield()
        }
    }
}
