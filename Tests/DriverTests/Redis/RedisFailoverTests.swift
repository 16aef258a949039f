import KVStorage
import Synchronization
import Testing

@testable import KVStorageRedis

/// A master that is demoted, and the name that leads to its successor.
@Suite("Redis failover", .timeLimit(.minutes(5)))
struct RedisFailoverTests {
    /// A master and its replica, which has everything.
    private func pair(_ arguments: [String] = []) async throws -> (master: RedisServer, replica: RedisServer) {
        let master = try RedisServer(["--repl-diskless-sync-delay", "0"])
        let replica = try RedisServer(["--replicaof", "127.0.0.1 \(master.port)"] + arguments)
        try await replica.wait("INFO", "replication") { $0.contains("master_link_status:up") }
        return (master, replica)
    }

    /// Has the two change their parts.
    private func swap(_ master: RedisServer, _ replica: RedisServer) async throws {
        try await replica.check("REPLICAOF", "NO", "ONE")
        try await master.check("REPLICAOF", "127.0.0.1", "\(replica.port)")
        try await master.wait("INFO", "replication") { $0.contains("master_link_status:up") }
    }

    private func connections(_ server: RedisServer) async throws -> Int {
        let text = try await server.text("INFO", "stats")
        return Int(text.firstMatch(of: /total_connections_received:(\d+)/)?.1 ?? "") ?? 0
    }

    @Test("writes follow a load balancer that leads to the successor, though the demoted master lives on")
    func balancer() async throws {
        let (master, replica) = try await self.pair()
        let proxy = try FaultyProxy(to: master.port, [])
        let storage = try RedisFaultTests.storage(proxy.url)
        try await storage.setItem("before", 1)
        try await self.swap(master, replica)
        // What is refused waits for the load balancer within its time.
        let waiting = Task { try await storage.incrementItem("count") }
        while proxy.accepted < 2 { await Task.yield() }
        proxy.move(to: replica.port)
        #expect(try await waiting.value == 1)
        try await storage.setItems([("a", 1), ("b", 2)])
        try await storage.setItem("after", 2)
        #expect(
            try await storage.updateItem("count", default: 0) {
                $0 += 1; return $0
            } == 2)
        guard case .bytes(let value) = try await replica.call("GET", "after") else {
            Issue.record("the successor has it")
            return
        }
        #expect(value == Array("2".utf8))
        try await storage.dispose()
    }

    @Test("a name is looked up again after the server refused as a replica")
    func name() async throws {
        let (master, replica) = try await self.pair()
        var options = Connection.Options(endpoint: .host("db.test", port: 1))
        options.commandTimeout = .seconds(20)
        let (place, lookups) = (Shared(master.port), Counter())
        options.lookUp = { _, _ in
            lookups.add()
            return RedisPlatform.addresses(ofHost: "127.0.0.1", port: place.value, digitsOnly: true)
        }
        let client = try ServerClient(options, connections: 2)
        func count() async throws -> Reply {
            try await client.send("n", .one, isRepeatable: false) { writer in
                writer.begin(2)
                writer.word("INCR")
                writer.word("n")
            }
        }
        for number in 1...2 { #expect(try await count() == .integer(Int64(number))) }
        guard case .integer(1) = try await master.call("WAIT", "1", "10000") else {
            Issue.record("the replica has everything")
            return
        }
        try await self.swap(master, replica)
        place.value = replica.port
        for number in 3...6 { #expect(try await count() == .integer(Int64(number))) }
        #expect(lookups.now >= 4, "each connection has looked twice")
        await client.close()
    }

    @Test("of a name's several addresses another is tried after one refused as a replica")
    func addresses() async throws {
        let (master, replica) = try await self.pair()
        var options = Connection.Options(endpoint: .host("db.test", port: 1))
        options.commandTimeout = .seconds(20)
        let ports = [replica.port, master.port]
        options.lookUp = { _, _ in
            .success(
                ports.flatMap { port in
                    (try? RedisPlatform.addresses(ofHost: "127.0.0.1", port: port, digitsOnly: true).get()) ?? []
                })
        }
        let client = try ServerClient(options, connections: 1)
        let reply = try await client.send("k", .one, isRepeatable: false) { writer in
            writer.begin(3)
            for word in ["SET", "k", "v"] { writer.word(word) }
        }
        #expect(reply == .ok)
        await client.close()
    }

    @Test("a replica that is meant to be one serves reads; writes fail in their time, with few connections")
    func replica() async throws {
        let (master, replica) = try await self.pair()
        try await master.check("SET", "k", "7")
        while try await replica.text("GET", "k") != "7" { await Task.yield() }
        let storage = try RedisFaultTests.storage(replica.url, timeout: .seconds(2))
        #expect(try await storage.getItem("k") == 7)
        let before = try await self.connections(replica)
        let reads = Counter()
        let codes = await withTaskGroup(of: StorageError.Code?.self, returning: [StorageError.Code?].self) { group in
            for number in 0..<64 {
                group.addTask {
                    do throws(StorageError) {
                        try await storage.setItem("w\(number)", 1)
                        return nil
                    } catch {
                        return error.code
                    }
                }
            }
            for _ in 0..<200 {
                if (try? await storage.getItem("k", as: Int.self)) == 7 { reads.add() }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        // On a machine with too much to do the last answer may come too late.
        #expect(codes.allSatisfy { $0 == .readOnly || $0 == .timeout }, "\(codes)")
        #expect(codes.contains(.readOnly))
        #expect(reads.now == 200)
        // By turns after 100, 200, 400, 800 ms; the rest are the test's own.
        #expect(try await self.connections(replica) - before < 12)
        #expect(try await storage.getItem("k") == 7)
        try await storage.dispose()
    }

    @Test("a replica without its master is left for whoever the name leads to")
    func masterDown() async throws {
        let (master, replica) = try await self.pair(["--replica-serve-stale-data", "no"])
        let successor = try RedisServer()
        try await successor.check("SET", "k", "8")
        let proxy = try FaultyProxy(to: replica.port, [])
        let storage = try RedisFaultTests.storage(proxy.url)
        #expect(try await storage.getItem("k", as: Int.self) == nil)
        master.kill()
        let read = Task {
            while try await storage.getItem("k", as: Int.self) != 8 { await Task.yield() }
        }
        while proxy.accepted < 2 { await Task.yield() }
        proxy.move(to: successor.port)
        try await read.value
        try await storage.dispose()
    }

    @Test("a server that loads its data is waited for; if that lasts, on another connection")
    func loading() async throws {
        let refused = Counter()
        let server = try ScriptedServer { words, connection in
            guard words[0] == "GET" else { return words[0] == "PING" ? "+PONG\r\n" : "+OK\r\n" }
            if connection == 1 {
                refused.add()
                return "-LOADING Redis is loading the dataset in memory\r\n"
            }
            return "$1\r\n9\r\n"
        }
        let storage = try RedisFaultTests.storage(server.url)
        #expect(try await storage.getItem("k") == 9)
        #expect(refused.now == 2, "the second time it has lasted")
        #expect(server.accepted == 2)
        try await storage.dispose()
    }

    @Test("a server that can't save, has too few replicas or no memory still reads, on new connections too")
    func refusedPing() async throws {
        for refusal in [
            "MISCONF Redis is configured to save RDB snapshots", "NOREPLICAS Not enough", "OOM not allowed",
        ] {
            let server = try ScriptedServer { words, _ in
                switch words[0] {
                case "PING", "SET", "PERSIST": "-\(refusal)\r\n"
                case "GET": "$1\r\n9\r\n"
                default: "+OK\r\n"
                }
            }
            let storage = try RedisFaultTests.storage(server.url)
            #expect(try await storage.getItem("k") == 9)
            await #expect(throws: StorageError.self) { try await storage.setItem("k", 1) }
            #expect(server.accepted == 1)
            try await storage.dispose()
        }
    }

    @Test("a real server whose saving fails still reads, on new connections too")
    func cannotSave() async throws {
        let server = try RedisServer()
        try await server.check("SET", "k", "5")
        try await server.check("CONFIG", "SET", "save", "1000 1")
        try server.removeFolder()
        try await server.check("BGSAVE")
        try await server.wait("INFO", "persistence") { $0.contains("rdb_last_bgsave_status:err") }
        let storage = try RedisFaultTests.storage(server.url)
        #expect(try await storage.getItem("k") == 5)
        let error = await #expect(throws: StorageError.self) { try await storage.setItem("k", 6) }
        #expect(error?.code == .inputOutput)
        try await storage.dispose()
    }
}

/// A value that several tasks read and write.
final class Shared<Value: Sendable>: Sendable {
    private let state: Mutex<Value>

    init(_ value: Value) {
        self.state = Mutex(value)
    }

    var value: Value {
        get { self.state.withLock { $0 } }
        set { self.state.withLock { $0 = newValue } }
    }
}
