import KVStorage
import Testing

@testable import KVStorageRedis

/// A slot that stays on its way for as long as a test lasts.
@Suite("Redis cluster, a slot on its way", .serialized, .timeLimit(.minutes(5)))
struct RedisMigratingTests {
    private struct Move {
        let source: RedisServer
        let target: RedisServer

        init(_ tag: String, _ cluster: RedisClusterServers) async throws {
            let slot = Array(tag.utf8).withUnsafeBytes { Slot.slot(of: $0) }
            let source = try #require(try await cluster.master(of: slot))
            let target = try #require(cluster.servers[..<3].first { $0.port != source.port })
            let (sourceID, targetID) = (
                try await source.text("CLUSTER", "MYID"), try await target.text("CLUSTER", "MYID")
            )
            try await target.check("CLUSTER", "SETSLOT", "\(slot)", "IMPORTING", sourceID)
            try await source.check("CLUSTER", "SETSLOT", "\(slot)", "MIGRATING", targetID)
            self.source = source
            self.target = target
        }

        func go(_ names: String...) async throws {
            for name in names {
                try await self.source.check("MIGRATE", "127.0.0.1", "\(self.target.port)", name, "0", "5000")
            }
        }
    }

    private func driver(_ cluster: RedisClusterServers) throws -> RedisDriver {
        var configuration = RedisDriver.Configuration()
        configuration.commandTimeout = .seconds(60)
        return try RedisDriver.redis(cluster.url, configuration)
    }

    @Test("atomic calls on items without metadata work at both ends, and on what is nowhere")
    func withoutMetadata() async throws {
        let cluster = try await RedisClusterServers()
        let driver = try self.driver(cluster)
        let names = ["a", "b", "c", "d", "e"].map { "{move}\($0)" }
        let hour = WriteOptions(ttl: .seconds(3600))
        for name in names { try await driver.setItem(name, [49], WriteOptions()) }
        let move = try await Move("move", cluster)
        // Before they go, after they went, and once more.
        for hasMoved in [false, true] {
            if hasMoved { for name in names { try await move.go(name) } }
            #expect(
                try await driver.compareAndSwapItem(names[0], expected: [49], replacement: [50], hour) == .swapped)
            #expect(
                try await driver.compareAndSwapItem(names[0], expected: [49], replacement: [51], hour)
                    == .mismatch(current: [50]))
            #expect(
                try await driver.compareAndSwapItem(
                    names[0], expected: [50], replacement: [49], WriteOptions()) == .swapped)
            #expect(try await driver.touchItem(names[1], ttl: .seconds(100)))
            #expect(try await driver.touchItem(names[1], ttl: .forever))
            #expect(try await driver.incrementItem(names[2], by: 5, hour) == (hasMoved ? 11 : 6))
            #expect(try await driver.getMeta(names[0])?.size == 1)
            #expect(try await driver.apply([.set(key: names[1], value: [49], options: WriteOptions())]) == [true])
            #expect(try await driver.apply([.remove(key: "{move}nothing")]) == [false])
            let commit = Commit(
                checks: [.init(names[1], .bytes([49]))],
                mutations: [.set(key: names[1], value: [49], options: hour)])
            #expect(try await driver.commit(commit) == .committed(found: [true]))
            #expect(
                try await driver.commit(Commit(checks: [.init(names[1], .absent)]))
                    == .mismatch(index: 0, current: [49]))
            let entries = try await driver.getEntries([names[1]])
            #expect(entries[0]?.value == [49] && entries[0]?.meta.deadline != nil)
            #expect(try await driver.touchItem("{move}nothing", ttl: .forever) == false)
            #expect(try await driver.removeItem("{move}nothing") == false)
            #expect(try await driver.takeItem("{move}nothing") == nil)
        }
        #expect(try await driver.takeItem(names[3]) == [49])
        #expect(try await driver.getItem(names[3]) == nil)
        #expect(try await driver.removeItem(names[4]))
        #expect(try await driver.getItem(names[4]) == nil)
        #expect(
            try await driver.compareAndSwapItem(names[1], expected: [49], replacement: nil, WriteOptions()) == .swapped)
        #expect(try await driver.getItem(names[1]) == nil)
        try await driver.dispose()
    }

    @Test("removals and takes at the node that the slot leaves")
    func removing() async throws {
        let cluster = try await RedisClusterServers()
        let driver = try self.driver(cluster)
        for name in ["{move}a", "{move}b", "{move}c", "{move}d"] {
            try await driver.setItem(name, [1], WriteOptions())
        }
        _ = try await Move("move", cluster)
        #expect(try await driver.removeItem("{move}a"))
        #expect(try await driver.takeItem("{move}b") == [1])
        #expect(
            try await driver.compareAndSwapItem("{move}c", expected: [1], replacement: nil, WriteOptions()) == .swapped)
        #expect(try await driver.apply([.remove(key: "{move}d")]) == [true])
        for name in ["{move}a", "{move}b", "{move}c", "{move}d"] { #expect(try await driver.getItem(name) == nil) }
        try await driver.dispose()
    }

    @Test("a commit on items of which one has moved waits, and is done once and whole", arguments: [true, false])
    func commits(customMetadata: Bool) async throws {
        let cluster = try await RedisClusterServers()
        var configuration = RedisDriver.Configuration()
        configuration.commandTimeout = .seconds(60)
        configuration.customMetadata = customMetadata
        let driver = try RedisDriver.redis(cluster.url, configuration)
        let names = ["{move}a", "{move}b"]
        for name in names { try await driver.setItem(name, [1], WriteOptions()) }
        let move = try await Move("move", cluster)
        let both = Commit(
            checks: names.map { .init($0, .bytes([1])) },
            mutations: names.map { .set(key: $0, value: [2], options: WriteOptions()) })
        try await move.go(names[0])
        let commit = Task { try await driver.commit(both) }
        try await move.source.wait("INFO", "errorstats") { $0.contains("errorstat_TRYAGAIN") }
        for name in names { #expect(try await driver.getItem(name) == [1]) }
        try await move.go(names[1])
        let slot = Array("move".utf8).withUnsafeBytes { Slot.slot(of: $0) }
        let identifier = try await move.target.text("CLUSTER", "MYID")
        for server in [move.target, move.source] {
            try await server.check("CLUSTER", "SETSLOT", "\(slot)", "NODE", identifier)
        }
        #expect(try await commit.value == .committed(found: [true, true]))
        #expect(try await driver.getItems(names) == [[2], [2]])
        #expect(try await driver.commit(both) == .mismatch(index: 0, current: [2]))
        try await driver.dispose()
    }

    @Test("an item and metadata that are not together are waited for, so that neither is forgotten")
    func withMetadata() async throws {
        let cluster = try await RedisClusterServers()
        let driver = try self.driver(cluster)
        for name in ["{move}a", "{move}b", "{move}c"] { try await driver.setItem(name, [1], WriteOptions()) }
        for name in ["{move}a", "{move}b"] { #expect(try await driver.setMeta(name, [7])) }
        let move = try await Move("move", cluster)
        // The metadata goes first, then the item.
        try await move.go("{move}a$")
        let removal = Task { try await driver.removeItem("{move}a") }
        // The item goes first, then the metadata.
        try await move.go("{move}b")
        let swap = Task {
            try await driver.compareAndSwapItem(
                "{move}b", expected: [1], replacement: [2], WriteOptions(ttl: .seconds(50)))
        }
        // Metadata for an item that has none can't come into being while the item is at the node that the slot leaves.
        let metadata = Task { try await driver.setMeta("{move}c", [8]) }
        try await move.go("{move}a", "{move}b$", "{move}c")
        #expect(try await removal.value)
        #expect(try await swap.value == .swapped)
        #expect(try await metadata.value)
        let slot = Array("move".utf8).withUnsafeBytes { Slot.slot(of: $0) }
        let identifier = try await move.target.text("CLUSTER", "MYID")
        for server in [move.target, move.source] {
            try await server.check("CLUSTER", "SETSLOT", "\(slot)", "NODE", identifier)
        }
        #expect(try await driver.getMeta("{move}a") == nil)
        let kept = try #require(try await driver.getMeta("{move}b"))
        #expect(kept.fieldBytes == [7] && kept.ttl != nil)
        #expect(try await driver.getMeta("{move}c")?.fieldBytes == [8])
        #expect(try await move.target.call("CLUSTER", "COUNTKEYSINSLOT", "\(slot)") == .integer(4))
        try await driver.dispose()
    }
}
