import KVStorage
import Testing

@testable import KVStorageRedis

/// A cluster that changes while it is used.
@Suite("Redis cluster, changing", .serialized, .timeLimit(.minutes(5)))
struct RedisReshardingTests {
    @Test("a slot that goes to another node, key by key: no call fails or goes wrong on the way")
    func resharding() async throws {
        let cluster = try await RedisClusterServers()
        let storage = try RedisClusterTests.storage(cluster, "")
        // One slot for all.
        let names = (0..<40).map { "{tag}\($0)" }
        try await storage.setItems(names.map { ($0, 0) })
        for name in names { try await storage.setMeta(name, ["name": name]) }
        let slot = "tag".utf8.withContiguousStorageIfAvailable { Slot.slot(of: UnsafeRawBufferPointer($0)) } ?? 0
        let source = try #require(try await cluster.master(of: slot))
        let target = try #require(cluster.servers[..<3].first { $0.port != source.port })
        let (sourceID, targetID) = (try await source.text("CLUSTER", "MYID"), try await target.text("CLUSTER", "MYID"))
        try await target.check("CLUSTER", "SETSLOT", "\(slot)", "IMPORTING", sourceID)
        try await source.check("CLUSTER", "SETSLOT", "\(slot)", "MIGRATING", targetID)

        let isOver = Counter()
        let acknowledged = Counter()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<8 {
                group.addTask {
                    var last: [String: Int] = [:]
                    while isOver.now == 0 {
                        for name in names[(task * 5)..<(task * 5 + 5)] {
                            #expect(try await storage.getItem(name, as: Int.self) == last[name, default: 0])
                            last[name, default: 0] += 1
                            try await storage.setItem(name, last[name, default: 0])
                            #expect(try await storage.getMeta(name)?.fields() == ["name": name])
                            #expect(try await storage.incrementItem(name) == last[name, default: 0] + 1)
                            last[name, default: 0] += 1
                            acknowledged.add()
                        }
                    }
                    for (name, value) in last { #expect(try await storage.getItem(name) == value) }
                }
            }
            // An item goes with its metadata, as `redis-cli --cluster reshard` moves whole slots.
            for name in names {
                let next = acknowledged.now + 10
                while acknowledged.now < next { await Task.yield() }
                try await source.check(
                    "MIGRATE", "127.0.0.1", "\(target.port)", "", "0", "5000", "KEYS", name, "\(name)$")
            }
            try await target.check("CLUSTER", "SETSLOT", "\(slot)", "NODE", targetID)
            try await source.check("CLUSTER", "SETSLOT", "\(slot)", "NODE", targetID)
            let end = acknowledged.now + 200
            while acknowledged.now < end { await Task.yield() }
            isOver.add()
            try await group.waitForAll()
        }
        #expect(try await target.call("CLUSTER", "COUNTKEYSINSLOT", "\(slot)") == .integer(80))
        #expect(Set(try await storage.getKeys()) == Set(names))
        #expect(try await storage.clear() == 40)
        try await storage.dispose()
    }

    @Test("without metadata every call on an item goes on while its slot moves, before and after it has gone")
    func movingWithoutMetadata() async throws {
        let cluster = try await RedisClusterServers()
        let storage = try RedisClusterTests.storage(cluster, "") {
            $0.customMetadata = false
            $0.commandTimeout = .seconds(20)
        }
        let slot = "tag".utf8.withContiguousStorageIfAvailable { Slot.slot(of: UnsafeRawBufferPointer($0)) } ?? 0
        let source = try #require(try await cluster.master(of: slot))
        let target = try #require(cluster.servers[..<3].first { $0.port != source.port })
        let (sourceID, targetID) = (try await source.text("CLUSTER", "MYID"), try await target.text("CLUSTER", "MYID"))
        for name in ["{tag}stays", "{tag}goes"] { try await storage.setItem(name, 0) }
        try await target.check("CLUSTER", "SETSLOT", "\(slot)", "IMPORTING", sourceID)
        try await source.check("CLUSTER", "SETSLOT", "\(slot)", "MIGRATING", targetID)
        try await source.check("MIGRATE", "127.0.0.1", "\(target.port)", "{tag}goes", "0", "5000")
        // What a session does, on an item that is still there, on one that has gone, and on one that comes.
        for name in ["{tag}stays", "{tag}goes", "{tag}new"] {
            for _ in 0..<2 {
                try await storage.setItem(name, 1, ttl: .seconds(100))
                try await storage.setItem(name, 2, ttl: .keep(orElse: .seconds(100)))
                #expect(
                    try await storage.updateItem(name, default: 0) {
                        $0 += 1; return $0
                    } == 3)
                #expect(try await storage.touchItem(name, ttl: .seconds(1000)))
                #expect(try await storage.touchItem(name, ttl: .forever))
                #expect(try await storage.getMeta(name)?.size == 1)
                #expect(try await storage.incrementItem(name, ttl: .seconds(100)) == 4)
                #expect(try await storage.hasItem(name))
                #expect(try await storage.setItem(name, 9, ifAbsent: true) == false)
                #expect(try await storage.takeItem(name) == 4)
                #expect(try await storage.setItem(name, 5, ifAbsent: true))
                try await storage.setItems([(name, 6)])
                #expect(try await storage.compareAndSwapItem(name, expected: Array("6".utf8), replacement: nil))
                try await storage.setItem(name, 7)
                #expect(try await storage.removeItem(name))
            }
        }
        try await storage.dispose()
        try await target.check("CLUSTER", "SETSLOT", "\(slot)", "NODE", targetID)
        try await source.check("CLUSTER", "SETSLOT", "\(slot)", "NODE", targetID)
    }

    @Test("a listing and a clearing while items move between all masters find each once")
    func listing() async throws {
        let cluster = try await RedisClusterServers()
        let storage = try RedisClusterTests.storage(cluster, "") { $0.scanCount = 10 }
        let masters = Array(cluster.servers[..<3])
        // A slot of each master goes to the one before it, and to the one behind.
        var moves: [(source: RedisServer, target: RedisServer, tag: String, slot: Int)] = []
        var number = 0
        while moves.count < 6 {
            number += 1
            let slot = Array("\(number)".utf8).withUnsafeBytes { Slot.slot(of: $0) }
            let index = slot * 3 / Slot.count
            let earlier = moves.count { $0.source.port == masters[index].port }
            guard earlier < 2 else { continue }
            moves.append((masters[index], masters[(index + 1 + earlier) % 3], "{\(number)}", slot))
        }
        let names = moves.flatMap { move in (0..<20).map { "\(move.tag)\($0)" } } + (0..<200).map { "k\($0)" }
        try await storage.setItems(names.map { ($0, 0) })
        for move in moves {
            let ids = (try await move.source.text("CLUSTER", "MYID"), try await move.target.text("CLUSTER", "MYID"))
            try await move.target.check("CLUSTER", "SETSLOT", "\(move.slot)", "IMPORTING", ids.0)
            try await move.source.check("CLUSTER", "SETSLOT", "\(move.slot)", "MIGRATING", ids.1)
        }
        for round in 0..<2 {
            var listed: [String] = []
            var next = round * 10
            for try await key in storage.keys(in: "", pageSize: 15) {
                listed.append(key)
                guard listed.count.isMultiple(of: 15), next < round * 10 + 10 else { continue }
                for move in moves {
                    try await move.source.check(
                        "MIGRATE", "127.0.0.1", "\(move.target.port)", "\(move.tag)\(next)", "0", "5000")
                }
                next += 1
            }
            #expect(listed.sorted() == names.sorted())
        }
        for move in moves {
            let identifier = try await move.target.text("CLUSTER", "MYID")
            try await move.target.check("CLUSTER", "SETSLOT", "\(move.slot)", "NODE", identifier)
            try await move.source.check("CLUSTER", "SETSLOT", "\(move.slot)", "NODE", identifier)
            // Two masters that take slots before they have heard of each other's would have the same epoch, and one of them
            // would give a slot back.
            for master in masters {
                while true {
                    let place = Endpoint.host("127.0.0.1", port: master.port)
                    let topology = try Topology(try await master.call("CLUSTER", "SLOTS"), asked: place)
                    if topology.master(of: move.slot) == .host("127.0.0.1", port: move.target.port) { break }
                    try Task.checkCancellation()
                    await Task.yield()
                }
            }
        }
        #expect(try await storage.clear() == names.count)
        try await storage.dispose()
    }

    @Test(
        "a master that is killed under load: calls wait for its successor, and every answer is right or a clear error")
    func failover() async throws {
        let cluster = try await RedisClusterServers(replicasTakeOver: true)
        let storage = try RedisClusterTests.storage(cluster, "") { $0.watching = .notifications }
        var events = try await storage.watch("watched").makeAsyncIterator()
        let slot = "tag".utf8.withContiguousStorageIfAvailable { Slot.slot(of: UnsafeRawBufferPointer($0)) } ?? 0
        let master = try #require(try await cluster.master(of: slot))
        let isOver = Counter()
        let acknowledged = Counter()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<16 {
                group.addTask {
                    // Half of the tasks work on the node that dies.
                    let key = task.isMultiple(of: 2) ? "{tag}\(task)" : "k\(task)"
                    var round = 0
                    while isOver.now == 0 {
                        round += 1
                        let written = await (0..<1).asyncCodes { _ in try await storage.setItem(key, "\(key) \(round)")
                        }
                        #expect(written == [nil] || written == [.connectionLost])
                        // The master may have died before it passed an acknowledged write on, as Redis replicates
                        // afterwards; another's value never comes.
                        let read = try await storage.getItem(key, as: String.self)
                        #expect(read == nil || read?.hasPrefix("\(key) ") == true)
                        acknowledged.add()
                    }
                }
            }
            while acknowledged.now < 500 { await Task.yield() }
            master.kill()
            // The others notice, elect a replica, and the calls go on.
            while try await cluster.master(of: slot)?.port == master.port { await Task.yield() }
            let end = acknowledged.now + 500
            while acknowledged.now < end { await Task.yield() }
            isOver.add()
            try await group.waitForAll()
        }
        let successor = try #require(try await cluster.master(of: slot))
        #expect(successor.port != master.port)
        // The successor's changes are heard; what happened in between is told as a gap.
        #expect(try await events.next() == .lagged)
        while try await successor.call("PUBSUB", "NUMPAT") == .integer(0) { await Task.yield() }
        try await storage.setItem("watched:{tag}", 1)
        while let event = try await events.next(), event != .update("watched:{tag}") { #expect(event == .lagged) }
        // The old one comes back as a replica, and takes no writes any more.
        try master.restart()
        try await master.wait("INFO", "replication") { $0.contains("role:slave") }
        for number in 0..<100 {
            try await storage.setItem("{tag}after\(number)", number)
            #expect(try await storage.getItem("{tag}after\(number)") == number)
        }
        #expect(try await storage.getKeys().count { $0.hasPrefix("{tag}after") } == 100)
        try await storage.dispose()
    }
}
