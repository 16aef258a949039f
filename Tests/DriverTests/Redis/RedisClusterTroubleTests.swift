import Foundation
import KVStorage
import Synchronization
import Testing

@testable import KVStorageRedis

/// What calls on a cluster say and do when a part of it is away, or breaks off in the middle.
@Suite("Redis cluster, in trouble", .serialized, .timeLimit(.minutes(30)))
struct RedisClusterTroubleTests {
    /// One for the tests that cut connections and leave the servers as they are.
    private static let own = Task { try await RedisClusterServers() }

    /// Returns names of items on the server, each in another slot.
    private func names(_ count: Int, on server: RedisServer, _ text: String) async throws -> [String] {
        let reply = try await server.call("CLUSTER", "SLOTS")
        let place = Endpoint.host("127.0.0.1", port: server.port)
        let topology = try Topology(reply, asked: place)
        var slots: Set<Int> = []
        var names: [String] = []
        var number = 0
        while names.count < count {
            number += 1
            let name = "\(text)\(number)"
            let slot = Array(name.utf8).withUnsafeBytes { Slot.slot(of: $0) }
            if topology.master(of: slot) == place, slots.insert(slot).inserted { names.append(name) }
        }
        return names
    }

    private func code(_ body: () async throws -> Void) async -> StorageError.Code? {
        await (0..<1).asyncCodes { _ in try await body() }[0]
    }

    @Test("a batch whose connection is cut in the middle is not repeated over a later write")
    func cutBatch() async throws {
        let cluster = try await Self.own.value
        let driver = try RedisDriver.redis(cluster.url)
        let other = try RedisDriver.redis(cluster.url)
        let names = try await self.names(40, on: cluster.servers[0], "cut:")
        let large = [UInt8](repeating: 1, count: 1 << 20)
        for _ in 0..<2 {
            _ = try await other.clear("cut")
            let mutations = names.enumerated().map { index, name in
                Mutation.set(key: name, value: index == 0 ? [1] : large, options: WriteOptions())
            }
            let batch = Task { await self.code { _ = try await driver.apply(mutations) } }
            while try await other.getItem(names[0]) == nil { await Task.yield() }
            try await other.setItem(names[0], [2], WriteOptions())
            try await cluster.servers[0].check("CLIENT", "KILL", "TYPE", "normal")
            let code = await batch.value
            #expect(code == nil || code == .partlyDone, "the first part was done")
            #expect(try await other.getItem(names[0]) == [2])
        }
        _ = try await other.clear("cut")
        for driver in [driver, other] { try await driver.dispose() }
    }

    /// How many batches each task writes; more are for a run by hand.
    private static let batches =
        ProcessInfo.processInfo.environment["KVSTORAGE_REDIS_BATCHES"].flatMap { Int($0) } ?? 10

    @Test("64 tasks write batches while connections are killed: none is repeated over a later write")
    func killedConnections() async throws {
        let cluster = try await Self.own.value
        let driver = try RedisDriver.redis(cluster.url)
        let other = try RedisDriver.redis(cluster.url)
        let done = Counter()
        let partly = Counter()
        let later = Counter()
        var runs = 0
        // Whether a connection dies in the middle of a batch is a matter of luck, on a busy machine above all.
        repeat {
            runs += 1
            let isOver = Counter()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    var round = 0
                    while isOver.now == 0 {
                        // A round of connections for each couple of batches.
                        let next = done.now + 8
                        while done.now < next, isOver.now == 0 { await Task.yield() }
                        round += 1
                        try await cluster.servers[round % 3].check("CLIENT", "KILL", "TYPE", "normal")
                    }
                }
                try await withThrowingTaskGroup(of: Void.self) { writers in
                    for task in 0..<64 {
                        writers.addTask {
                            for round in 0..<Self.batches {
                                try await self.write(task, round, driver, other, done, partly, later)
                            }
                        }
                    }
                    try await writers.waitForAll()
                }
                isOver.add()
                try await group.waitForAll()
            }
        } while (partly.now == 0 || later.now == 0) && runs < 10
        #expect(done.now == runs * 64 * Self.batches)
        #expect(partly.now > 0, "connections were killed in the middle")
        #expect(later.now > 0, "items were written over while their batch was under way")
        if Self.batches > 10 { print("batches \(done.now), partly done \(partly.now), written over \(later.now)") }
        for driver in [driver, other] { try await driver.dispose() }
    }

    /// Writes a batch, and over its first item as soon as that is there.
    private func write(
        _ task: Int, _ round: Int, _ driver: RedisDriver, _ other: RedisDriver,
        _ done: Counter, _ partly: Counter, _ later: Counter
    ) async throws {
        let value = Array("\(round)".utf8)
        let size = (task + round) % 16 == 0 ? 30_000 : 10
        let mutations = (0..<12).map { index in
            let padding = index == 0 ? [] : [UInt8](repeating: 32, count: size)
            return Mutation.set(key: "t\(task):\(index)", value: value + padding, options: WriteOptions())
        }
        let first = "t\(task):0"
        let isBack = Counter()
        let over = Task {
            while isBack.now == 0 {
                let result = try? await other.compareAndSwapItem(
                    first, expected: value, replacement: [0], WriteOptions())
                guard let result else { return false }
                if result == .swapped { return true }
                await Task.yield()
            }
            return false
        }
        let code = await self.code { _ = try await driver.apply(mutations) }
        isBack.add()
        if let code {
            #expect(code == .partlyDone || code == .connectionLost || code == .unavailable)
            if code == .partlyDone { partly.add() }
        }
        if await over.value {
            later.add()
            var found: [UInt8]??
            while found == nil { found = try? await other.getItem(first) }
            #expect(found == .some([0]), "task \(task), round \(round)")
        }
        done.add()
    }

    @Test("a batch of which a part can't be written says that it was done in part; one that was not begun says that")
    func partlyDone() async throws {
        let cluster = try await RedisClusterServers()
        var configuration = RedisDriver.Configuration()
        configuration.commandTimeout = .seconds(1)
        let driver = try RedisDriver.redis(cluster.url, configuration)
        let lost = try await self.names(3, on: cluster.servers[0], "part")
        let kept = try await self.names(6, on: cluster.servers[1], "part")
        func set(_ names: [String]) -> [Mutation] {
            names.map { .set(key: $0, value: [1], options: WriteOptions()) }
        }
        _ = try await driver.apply(set(lost + kept))
        cluster.servers[0].kill()
        #expect(await self.code { _ = try await driver.apply(set(lost)) } == .unavailable)
        #expect(
            await self.code {
                _ = try await driver.apply(lost.map { .remove(key: $0) } + kept.map { .remove(key: $0) })
            } == .partlyDone)
        for name in kept { #expect(try await driver.getItem(name) == nil) }
        _ = try await driver.apply(set(kept))
        // Reading has no parts that could be done.
        #expect(await self.code { _ = try await driver.getItems(lost + kept) } == .unavailable)
        // A listing and a clearing end as well, though the other masters answer all the time.
        #expect(await self.code { _ = try await driver.getKeys(KeyQuery()) } == .unavailable)
        let cleared = await self.code { _ = try await driver.clear("") }
        #expect(cleared == .unavailable || cleared == .partlyDone)
        try await driver.dispose()
    }

    @Test("a cancelled batch that says so changed nothing")
    func cancelledBatch() async throws {
        let cluster = try await RedisClusterServers.shared.value
        let driver = try RedisDriver.redis(cluster.url)
        let names = (0..<9).map { "cancelled:\($0)" }
        var codes: [StorageError.Code?: Int] = [:]
        for round in 0..<120 {
            let value = Array("\(round)".utf8)
            let batch = Task {
                await self.code {
                    _ = try await driver.apply(names.map { .set(key: $0, value: value, options: WriteOptions()) })
                }
            }
            for _ in 0..<(round % 20) { await Task.yield() }
            batch.cancel()
            let code = await batch.value
            codes[code, default: 0] += 1
            let written = try await driver.getItems(names).count { $0 == value }
            switch code {
            case nil: #expect(written == 9)
            case .cancelled: #expect(written == 0)
            default: #expect(code == .partlyDone)
            }
        }
        #expect(codes[.cancelled] != nil)
        _ = try await driver.clear("cancelled")
        try await driver.dispose()
    }

    private func connectionsReceived(_ cluster: RedisClusterServers) async throws -> Int {
        var sum = 0
        for server in cluster.servers {
            let text = try await server.text("INFO", "stats")
            let line = text.split(whereSeparator: \.isNewline).first { $0.hasPrefix("total_connections_received:") }
            sum += try #require(line?.split(separator: ":").last.flatMap { Int($0) })
        }
        return sum
    }

    @Test("a cluster that is down is not stormed with connections")
    func noStorm() async throws {
        let cluster = try await RedisClusterServers()
        var configuration = RedisDriver.Configuration()
        configuration.commandTimeout = .seconds(3)
        let driver = try RedisDriver.redis(cluster.url, configuration)
        let name = try await self.names(1, on: cluster.servers[0], "storm")[0]
        let slot = Array(name.utf8).withUnsafeBytes { Slot.slot(of: $0) }
        for number in 0..<100 { try await driver.setItem("storm:\(number)", [1], WriteOptions()) }
        for server in cluster.servers[..<3] { try await server.check("CLUSTER", "DELSLOTS", "\(slot)") }
        let before = try await self.connectionsReceived(cluster)
        let codes = await withTaskGroup(of: StorageError.Code?.self) { group in
            for _ in 0..<64 { group.addTask { await self.code { _ = try await driver.getItem(name) } } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(codes.allSatisfy { $0 == .unavailable || $0 == .timeout }, "\(Set(codes))")
        // The counting itself makes six.
        let made = try await self.connectionsReceived(cluster) - before
        #expect(made < 40, "hundreds without an interval between the questions")
        try await driver.dispose()
    }

    @Test("a node that is called otherwise in a redirection keeps its connections when the topology is asked for")
    func otherName() async throws {
        let cluster = try await RedisClusterServers.shared.value
        var options = Connection.Options(endpoint: .host("127.0.0.1", port: cluster.servers[0].port))
        options.failsFast = true
        let client = Cluster(
            options, seeds: [options.endpoint], connections: 1, Keys(prefix: "", isCluster: true))
        #expect(await client.refresh() == nil)
        let node = try client.node(at: .host("localhost", port: cluster.servers[1].port))
        let epoch = node.first.epoch
        let reply = try await node.first.send(isRepeatable: true) { $0.encoded("*1\r\n$4\r\nPING\r\n") }
        #expect(reply != .null && node.first.epoch == epoch + 1)
        #expect(await client.refresh() == nil)
        #expect(try client.node(at: .host("localhost", port: cluster.servers[1].port)) === node)
        #expect(node.first.isConnected)
        await client.close()
    }
}
