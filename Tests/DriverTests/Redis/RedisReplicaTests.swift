import KVStorage
import Testing

@testable import KVStorageRedis

/// A cluster whose replicas are read; nobody else uses it, so that commands can be counted.
@Suite("Redis cluster, reading replicas", .serialized, .timeLimit(.minutes(5)))
struct RedisReplicaTests {
    private static let started = Task { try await RedisClusterServers() }
    private let names = (0..<60).map { "k\($0)" }

    /// The cluster, once each node tells of a replica for each master.
    private func cluster() async throws -> RedisClusterServers {
        let cluster = try await Self.started.value
        let storage = try RedisClusterTests.storage(cluster, "ready")
        try await storage.setItems(self.names.map { ($0, 1) })
        _ = try await storage.clear()
        try await storage.dispose()
        for server in cluster.servers {
            try await self.until {
                let topology = try await server.topology()
                return [0, 8000, 16_000].allSatisfy { topology.replicas(of: $0).count == 1 }
            }
        }
        return cluster
    }

    private func storage(
        _ cluster: RedisClusterServers,
        _ prefix: String,
        timeout: Duration = .seconds(60)
    ) throws -> Storage {
        try RedisClusterTests.storage(cluster, prefix) {
            $0.readsFrom = .replica
            $0.commandTimeout = timeout
        }
    }

    @Test("by default no read goes to a replica")
    func off() async throws {
        let cluster = try await self.cluster()
        let storage = try RedisClusterTests.storage(cluster, "off")
        try await storage.setItems(self.names.map { ($0, $0) })
        func read() async throws {
            for name in self.names {
                #expect(try await storage.getItem(name) == name)
                #expect(try await storage.hasItem(name))
                #expect(try await storage.getMeta(name) != nil)
            }
            #expect(try await storage.getItems(self.names, as: String.self) == self.names)
        }
        let (masters, replicas) = try await self.increase(cluster, read)
        #expect(replicas.values.allSatisfy { $0 == 0 })
        #expect(masters.values.allSatisfy { $0 >= 3 })
        _ = try await storage.clear()
        try await storage.dispose()
    }

    @Test("all plain reads go to replicas, where what was written arrives; everything else stays with the masters")
    func on() async throws {
        let cluster = try await self.cluster()
        let storage = try self.storage(cluster, "on")
        try await storage.setItems(self.names.map { ($0, $0) }, ttl: .seconds(1000))
        for name in self.names { try await self.until { try await storage.getItem(name) == name } }
        func read() async throws {
            for name in self.names {
                #expect(try await storage.getItem(name) == name)
                #expect(try await storage.hasItem(name))
                #expect(try await storage.getMeta(name)?.ttl ?? .zero > .seconds(500))
            }
            #expect(try await storage.getItems(self.names + ["none"], as: String.self) == self.names + [nil])
        }
        var (masters, replicas) = try await self.increase(cluster, read)
        #expect(masters.values.allSatisfy { $0 == 0 })
        // The metadata's GET is one more for each.
        #expect(replicas["get"] == 120 && replicas["pttl"] == 60)
        // Each MGET goes with an EXISTS.
        let mgets = try #require(replicas["mget"])
        #expect(mgets >= 3 && replicas["exists"] == 60 + mgets)
        (masters, replicas) = try await self.increase(cluster) {
            let entries = try await storage.getEntries(self.names + ["none"], as: String.self)
            #expect(entries.map { $0?.value } == self.names + [nil])
        }
        #expect(masters.values.allSatisfy { $0 == 0 })
        #expect(replicas["pttl"] == 60)
        func change() async throws {
            #expect(Set(try await storage.getKeys()) == Set(self.names))
            let seen = try await storage.updateItem("k0", as: String.self) { $0 }
            #expect(seen == "k0")
            #expect(try await storage.takeItem("k1") == "k1")
            #expect(try await storage.incrementItem("number") == 1)
            #expect(try await storage.clear() == 60)
        }
        (masters, replicas) = try await self.increase(cluster, change)
        #expect(replicas.values.allSatisfy { $0 == 0 })
        try await storage.dispose()
    }

    @Test("a replica cut off from its master is old for reads, never for atomic calls; one that says so is passed over")
    func cutOff() async throws {
        let cluster = try await self.cluster()
        let storage = try self.storage(cluster, "")
        try await storage.setItem("{cut}a", 1)
        try await self.until { try await storage.getItem("{cut}a", as: Int.self) == 1 }
        let (_, replica) = try await self.pair(of: "cut", cluster)
        // The link breaks and can't be made again.
        try await replica.check("CONFIG", "SET", "masteruser", "nobody", "masterauth", "wrong")
        try await replica.check("CLIENT", "KILL", "TYPE", "master")
        try await replica.wait("INFO", "replication") { $0.contains("master_link_status:down") }
        try await storage.setItem("{cut}a", 2)
        try await storage.setItem("{cut}b", "new")
        #expect(try await storage.getItem("{cut}a") == 1, "that is what the option is about")
        #expect(try await storage.getItem("{cut}b", as: String.self) == nil)
        let (first, second) = (
            try await storage.updateItem("{cut}a", as: Int.self) { $0 },
            try await storage.updateItem("{cut}b", as: String.self) { $0 }
        )
        #expect(first == 2 && second == "new")
        #expect(try await storage.incrementItem("{cut}a") == 3)
        #expect(try await !storage.compareAndSwapItem("{cut}b", expected: nil, replacement: nil))
        #expect(try await storage.takeItem("{cut}b") == "new")
        #expect(Set(try await storage.getKeys()) == ["{cut}a"])

        // Such a server takes no further connection of ours.
        let line = try Connection(.init(endpoint: .host("127.0.0.1", port: replica.port)))
        func say(_ words: String...) async throws -> Reply {
            try await line.send(isRepeatable: false) { writer in
                writer.begin(words.count)
                for word in words { writer.word(word) }
            }
        }
        #expect(try await say("CONFIG", "SET", "replica-serve-stale-data", "no") == .ok)
        for number in 10..<20 {
            try await storage.setItem("{cut}a", number)
            #expect(try await storage.getItem("{cut}a") == number)
            #expect(try await storage.getItems(["{cut}a"], as: Int.self) == [number])
            #expect(try await storage.getMeta("{cut}a")?.size == 2)
        }
        let errors = String(decoding: try await say("INFO", "errorstats").bytesOrNull(nil) ?? [], as: UTF8.self)
        #expect(errors.contains("errorstat_MASTERDOWN"))
        #expect(try await say("CONFIG", "SET", "replica-serve-stale-data", "yes") == .ok)
        #expect(try await say("CONFIG", "SET", "masteruser", "", "masterauth", "") == .ok)
        await line.close()
        try await replica.wait("INFO", "replication") { $0.contains("master_link_status:up") }
        // It is read again when its pause is over.
        let before = try await self.counts([replica])
        try await self.until {
            #expect(try await storage.getItem("{cut}a") == 19)
            return try await self.counts([replica])["get", default: 0] > before["get", default: 0]
        }
        #expect(try await storage.clear() == 1)
        try await storage.dispose()
    }

    @Test("a replica that follows another master says so, and the topology is asked for anew")
    func moved() async throws {
        let cluster = try await self.cluster()
        let storage = try self.storage(cluster, "")
        let (old, replica) = try await self.pair(of: "cut", cluster)
        let other = try #require(try await self.otherName(than: "cut", cluster))
        let (new, _) = try await self.pair(of: other, cluster)
        for name in ["{cut}", "{\(other)}"] {
            try await storage.setItem(name, name)
            try await self.until { try await storage.getItem(name) == name }
        }
        try await self.move(replica, to: new, cluster)
        let refused = try await replica.text("INFO", "errorstats").number(after: "errorstat_MOVED:count=")
        for number in 0..<20 {
            // Its former master has no replica now.
            try await storage.setItem("{cut}", number)
            #expect(try await storage.getItem("{cut}") == number)
        }
        #expect(try await replica.text("INFO", "errorstats").number(after: "errorstat_MOVED:count=") > refused)
        let before = try await self.counts([replica])
        try await self.until {
            _ = try await storage.getItem("{\(other)}", as: String.self)
            return try await self.counts([replica])["get", default: 0] > before["get", default: 0] + 1
        }
        #expect(try await storage.clear() == 2)
        try await storage.dispose()
        try await self.move(replica, to: old, cluster)
    }

    /// Returns a name whose slot has another master.
    private func otherName(than name: String, _ cluster: RedisClusterServers) async throws -> String? {
        let (master, _) = try await self.pair(of: name, cluster)
        for other in self.names where try await self.pair(of: other, cluster).0.port != master.port { return other }
        return nil
    }

    /// Makes the replica follow another master, and waits until every node knows.
    private func move(_ replica: RedisServer, to master: RedisServer, _ cluster: RedisClusterServers) async throws {
        try await replica.check("CLUSTER", "REPLICATE", try await master.text("CLUSTER", "MYID"))
        try await replica.wait("INFO", "replication") { $0.contains("master_link_status:up") }
        let endpoint = Endpoint.host("127.0.0.1", port: replica.port)
        for server in cluster.servers {
            try await self.until {
                let topology = try await server.topology()
                return [0, 8000, 16_000].allSatisfy { slot in
                    let isOwner = topology.master(of: slot) == .host("127.0.0.1", port: master.port)
                    return topology.replicas(of: slot).contains(endpoint) == isOwner
                }
            }
        }
    }

    @Test("a replica that hangs holds a read up for a part of its time, then the master answers")
    func frozen() async throws {
        let cluster = try await self.cluster()
        let storage = try self.storage(cluster, "", timeout: .seconds(6))
        try await storage.setItem("{cut}", 1)
        try await self.until { try await storage.getItem("{cut}", as: Int.self) == 1 }
        let (_, replica) = try await self.pair(of: "cut", cluster)
        replica.freeze()
        defer { replica.goOn() }
        for number in 2..<10 {
            try await storage.setItem("{cut}", number)
            #expect(try await storage.getItem("{cut}") == number)
            #expect(try await storage.getItems(["{cut}"], as: Int.self) == [number])
        }
        replica.goOn()
        _ = try await storage.clear()
        try await storage.dispose()
    }

    @Test("a replica that is killed under load: no read fails, and the master answers")
    func killed() async throws {
        let cluster = try await self.cluster()
        let storage = try self.storage(cluster, "")
        let (_, replica) = try await self.pair(of: "cut", cluster)
        let isOver = Counter()
        let rounds = Counter()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<8 {
                group.addTask {
                    let key = "{cut}\(task)"
                    var last = 0
                    while isOver.now == 0 {
                        try await storage.setItem(key, rounds.now)
                        let read = try await storage.getItem(key, as: Int.self) ?? 0
                        #expect(read >= last, "there is one replica: what was seen there is not older than before")
                        last = read
                        rounds.add()
                    }
                }
            }
            while rounds.now < 200 { await Task.yield() }
            replica.kill()
            let end = rounds.now + 500
            while rounds.now < end { await Task.yield() }
            isOver.add()
            try await group.waitForAll()
        }
        for number in 0..<20 {
            try await storage.setItem("{cut}0", number)
            #expect(try await storage.getItem("{cut}0") == number, "only the master is left")
        }
        try replica.restart()
        _ = try await storage.clear()
        try await storage.dispose()
    }
}

extension RedisServer {
    /// Who serves what, as this node sees it.
    func topology() async throws -> Topology {
        try Topology(try await self.call("CLUSTER", "SLOTS"), asked: .host("127.0.0.1", port: self.port))
    }
}

extension String {
    /// The number that follows the words given; 0 if they do not occur.
    func number(after words: String) -> Int {
        self.ranges(of: words).first.flatMap { Int(self[$0.upperBound...].prefix { $0.isNumber }) } ?? 0
    }
}
