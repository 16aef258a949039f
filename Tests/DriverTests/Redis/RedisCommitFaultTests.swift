import KVStorage
import Testing

@testable import KVStorageRedis

/// Commits whose connections break, and commits that meet each other.
@Suite("Redis commits, in trouble", .timeLimit(.minutes(5)))
struct RedisCommitFaultTests {
    private static func commit(_ keys: [String], _ value: String, from expected: String? = nil) -> Commit {
        Commit(
            checks: expected.map { text in keys.map { .init($0, .bytes(Array(text.utf8))) } } ?? [],
            mutations: keys.map { .set(key: $0, value: Array(value.utf8), options: WriteOptions()) })
    }

    private static func driver(_ url: String, _ prefix: String) throws -> RedisDriver {
        var configuration = RedisDriver.Configuration()
        configuration.prefix = prefix
        configuration.commandTimeout = .seconds(60)
        configuration.reconnectDelay = .milliseconds(1)...(.milliseconds(20))
        return try .redis(url, configuration)
    }

    @Test("a connection that is cut after any number of bytes: all or nothing is written, and never over a later write")
    func cut() async throws {
        let server = try RedisServer.shared.get()
        let prefix = "cut\(UInt64.random(in: 0 ... .max))"
        let direct = try Self.driver(server.url, prefix)
        let keys = ["a", "b", "c"]
        // The script is known from then on, so that each commit is one command.
        _ = try await direct.commit(Self.commit(keys, "start"))
        for limit in 0..<60 {
            let proxy = try FaultyProxy(to: server.port, [.cut(after: limit)])
            let driver = try Self.driver(proxy.url, prefix)
            for (commit, isConditional) in [
                (Self.commit(keys, "new \(limit)"), false), (Self.commit(keys, "newer \(limit)", from: "theirs"), true),
            ] {
                _ = try await direct.commit(Self.commit(keys, "theirs"))
                let code = await code { () async throws(StorageError) in
                    let outcome = try await driver.commit(commit)
                    #expect(outcome == .committed(found: [true, true, true]))
                }
                #expect(code == nil || code == .connectionLost)
                let values = try await direct.getItems(keys)
                let text = String(decoding: values[0] ?? [], as: UTF8.self)
                #expect(Set(values).count == 1)
                #expect(text.hasPrefix(isConditional ? "newer" : "new") || code != nil && text == "theirs")
                // What was cut off is not sent again with the next call.
                _ = try await direct.commit(Self.commit(keys, "theirs"))
                #expect(try await driver.getItem("a") == Array("theirs".utf8))
                #expect(try await direct.getItems(keys) == keys.map { _ in Array("theirs".utf8) })
            }
            try await driver.dispose()
        }
        #expect(try await direct.clear("") == 3)
        try await direct.dispose()
    }

    @Test("connections that are killed under 16 tasks: no commit is seen half or done twice", arguments: [true, false])
    func killed(isCluster: Bool) async throws {
        let cluster = isCluster ? try await RedisClusterServers() : nil
        let server = isCluster ? nil : try RedisServer()
        let url = cluster?.url ?? server?.url ?? ""
        let servers = cluster.map { Array($0.servers[..<3]) } ?? [server].compactMap(\.self)
        let driver = try Self.driver(url, "killed")
        let other = try Self.driver(url, "killed")
        let done = Counter()
        let killed = Counter()
        let isOver = Counter()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                while isOver.now == 0 {
                    let next = done.now + 10
                    while done.now < next, isOver.now == 0 { await Task.yield() }
                    for server in servers {
                        let count = try await server.call("CLIENT", "KILL", "TYPE", "normal").integer(nil)
                        if count > 0 { killed.add() }
                    }
                }
            }
            try await withThrowingTaskGroup(of: Void.self) { writers in
                for task in 0..<16 {
                    writers.addTask {
                        let keys = ["a", "b", "c"].map { "{t\(task)}\($0)" }
                        var acknowledged = 0
                        for round in 1...60 {
                            // A counter in three items: a commit that ran twice, or half, would show.
                            let code = await code { () async throws(StorageError) in
                                let commit = Commit(
                                    checks: acknowledged == 0
                                        ? keys.map { .init($0, .absent) }
                                        : keys.map { .init($0, .bytes(Array("\(acknowledged)".utf8))) },
                                    mutations: keys.map { key in
                                        .set(key: key, value: Array("\(round)".utf8), options: WriteOptions())
                                    })
                                guard case .committed = try await driver.commit(commit) else {
                                    throw StorageError(.conflict, "nobody else writes these")
                                }
                            }
                            #expect(
                                code == nil || code == .connectionLost || code == .unavailable,
                                "\(String(describing: code))")
                            var values: [[UInt8]?]?
                            while values == nil { values = try? await other.getItems(keys) }
                            #expect(Set(values ?? []).count == 1)
                            let text = String(decoding: (values?.first ?? nil) ?? Array("0".utf8), as: UTF8.self)
                            let found = try #require(Int(text))
                            #expect(found == round || code != nil && found == acknowledged)
                            acknowledged = found
                            done.add()
                        }
                    }
                }
                try await writers.waitForAll()
            }
            isOver.add()
            try await group.waitForAll()
        }
        #expect(done.now == 16 * 60)
        #expect(killed.now > 0)
        for driver in [driver, other] { try await driver.dispose() }
    }

    @Test("64 tasks move amounts between 100 accounts, and the sum is kept", arguments: RedisPlace.allCases)
    func accounts(place: RedisPlace) async throws {
        let driver = try await place.driver()
        let keys = (0..<100).map { "account:\($0)" }
        _ = try await driver.apply(keys.map { .set(key: $0, value: Array("100".utf8), options: WriteOptions()) })
        let isOver = Counter()
        let moved = Counter()
        @Sendable func amount(_ entry: Entry?) throws -> Int {
            let value = try #require(entry).value
            return try #require(Int(String(decoding: value, as: UTF8.self)))
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                while isOver.now == 0 {
                    let sum = try await driver.getEntries(keys).reduce(0) { try $0 + amount($1) }
                    #expect(sum == 10_000)
                }
            }
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                for task in 0..<64 {
                    tasks.addTask {
                        for round in 0..<20 {
                            let from = (task * 37 + round * 11) % 100
                            let pair = [keys[from], keys[(from + 1 + (task + round) % 99) % 100]]
                            while true {
                                let entries = try await driver.getEntries(pair)
                                let amounts = [try amount(entries[0]) - 1, try amount(entries[1]) + 1]
                                let commit = Commit(
                                    checks: zip(pair, entries).map { .init($0, .bytes($1?.value ?? [])) },
                                    mutations: zip(pair, amounts).map {
                                        .set(key: $0, value: Array("\($1)".utf8), options: WriteOptions())
                                    })
                                if case .committed = try await driver.commit(commit) { break }
                            }
                            moved.add()
                        }
                    }
                }
                try await tasks.waitForAll()
            }
            isOver.add()
            try await group.waitForAll()
        }
        #expect(moved.now == 64 * 20)
        #expect(try await driver.getEntries(keys).reduce(0) { try $0 + amount($1) } == 10_000)
        #expect(try await driver.clear("") == 100)
        try await driver.dispose()
    }

    @Test(
        "a slot that goes to another node under 8 tasks: commits wait, and none is half or double",
        arguments: [true, false])
    func resharding(customMetadata: Bool) async throws {
        let cluster = try await RedisClusterServers()
        let storage = try RedisClusterTests.storage(cluster, "") { $0.customMetadata = customMetadata }
        let driver = try RedisDriver.redis(
            cluster.url,
            {
                var configuration = RedisDriver.Configuration()
                configuration.commandTimeout = .seconds(60)
                configuration.customMetadata = customMetadata
                return configuration
            }())
        let slot = Array("tag".utf8).withUnsafeBytes { Slot.slot(of: $0) }
        let source = try #require(try await cluster.master(of: slot))
        let target = try #require(cluster.servers[..<3].first { $0.port != source.port })
        let (sourceID, targetID) = (try await source.text("CLUSTER", "MYID"), try await target.text("CLUSTER", "MYID"))
        let pairs = (0..<8).map { ["{tag}a\($0)", "{tag}b\($0)"] }
        let names = pairs.flatMap(\.self)
        _ = try await driver.apply(names.map { .set(key: $0, value: Array("0".utf8), options: WriteOptions()) })
        try await target.check("CLUSTER", "SETSLOT", "\(slot)", "IMPORTING", sourceID)
        try await source.check("CLUSTER", "SETSLOT", "\(slot)", "MIGRATING", targetID)
        let isOver = Counter()
        try await withThrowingTaskGroup(of: Int.self) { group in
            for pair in pairs {
                group.addTask {
                    var count = 0
                    repeat {
                        let last = Array("\(count)".utf8)
                        let outcome = try await driver.commit(
                            Commit(
                                checks: pair.map { .init($0, .bytes(last)) },
                                mutations: pair.map { name in
                                    .set(key: name, value: Array("\(count + 1)".utf8), options: WriteOptions())
                                }))
                        #expect(outcome == .committed(found: [true, true]))
                        count += 1
                    } while isOver.now == 0
                    for name in pair { #expect(try await driver.getItem(name) == Array("\(count)".utf8)) }
                    return count
                }
            }
            // One by one, so that pairs are parted for a while.
            for name in names {
                try await source.check("MIGRATE", "127.0.0.1", "\(target.port)", name, "0", "5000")
            }
            try await target.check("CLUSTER", "SETSLOT", "\(slot)", "NODE", targetID)
            try await source.check("CLUSTER", "SETSLOT", "\(slot)", "NODE", targetID)
            isOver.add()
            try await group.waitForAll()
        }
        #expect(try await target.call("CLUSTER", "COUNTKEYSINSLOT", "\(slot)") == .integer(Int64(names.count)))
        #expect(try await storage.clear() == names.count)
        try await storage.dispose()
        try await driver.dispose()
    }
}
