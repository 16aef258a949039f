import KVStorage
import Testing

@testable import KVStorageRedis

/// Commits that are large, or may not be done.
@Suite("Redis commits, their limits", .timeLimit(.minutes(5)))
struct RedisCommitLimitTests {
    private static func set(_ key: String, _ value: [UInt8], _ ttl: TTL = .forever) -> Mutation {
        .set(key: key, value: value, options: WriteOptions(ttl: ttl))
    }

    @Test("thousands of checks and writes are one step", arguments: RedisPlace.allCases)
    func many(place: RedisPlace) async throws {
        let driver = try await place.driver()
        let keys = (0..<9000).map { "k\($0)" }
        let creation = Commit(
            checks: keys.map { .init($0, .absent) },
            mutations: keys.map { Self.set($0, Array($0.utf8), .seconds(1000)) })
        #expect(try await driver.commit(creation) == .committed(found: keys.map { _ in false }))
        #expect(try await driver.getItems(keys) == keys.map { Array($0.utf8) })
        #expect(try await driver.commit(creation) == .mismatch(index: 0, current: Array("k0".utf8)))
        let removal = Commit(
            checks: keys.map { .init($0, .bytes(Array($0.utf8))) }, mutations: keys.map { .remove(key: $0) })
        #expect(try await driver.commit(removal) == .committed(found: keys.map { _ in true }))
        #expect(try await driver.apply(keys.map { .remove(key: $0) }) == keys.map { _ in false })
        try await driver.dispose()
    }

    @Test("more than one command can hold is refused before it is sent")
    func tooMany() async throws {
        let driver = try await RedisPlace.server.driver()
        let mutations = (0..<270_000).map { Self.set("k\($0)", [1]) }
        let error = await #expect(throws: StorageError.self) { try await driver.apply(mutations) }
        #expect(error?.code == .tooLarge)
        #expect(try await driver.hasItem("k0") == false)
        try await driver.dispose()
    }

    @Test("in a cluster keys of several slots are refused before anything is written", arguments: [true, false])
    func slots(customMetadata: Bool) async throws {
        let cluster = try await RedisClusterServers.shared.value
        var configuration = RedisDriver.Configuration()
        configuration.prefix = "slots\(UInt64.random(in: 0 ... .max))"
        configuration.customMetadata = customMetadata
        configuration.commandTimeout = .seconds(60)
        let driver = try RedisDriver.redis(cluster.url, configuration)
        #expect(!driver.capabilities.contains(.atomicCommit) && !driver.capabilities.contains(.wholeReads))
        let commits = [
            Commit(mutations: [Self.set("one", [1]), Self.set("two", [1])]),
            Commit(checks: [.init("one", .absent)], mutations: [Self.set("two", [1])]),
            Commit(checks: [.init("one", .absent), .init("two", .absent)]),
        ]
        for commit in commits {
            let error = await #expect(throws: StorageError.self) { try await driver.commit(commit) }
            #expect(error?.code == .notSupported)
            #expect(error?.message.contains("{hash tag}") == true)
            #expect(try await driver.getItems(["one", "two"]) == [nil, nil])
        }
        let tagged = Commit(
            checks: [.init("{t}:c", .absent)], mutations: [Self.set("{t}:a", [1]), Self.set("{t}:b", [1])])
        #expect(try await driver.commit(tagged) == .committed(found: [false, false]))
        #expect(try await driver.getItems(["{t}:a", "{t}:b"]) == [[1], [1]])
        #expect(try await driver.commit(Commit(mutations: [Self.set("one", [1])])) == .committed(found: [false]))
        #expect(try await driver.clear("") == 3)
        try await driver.dispose()
    }

    @Test("a user who may not run all that a commit needs changes nothing")
    func permissions() async throws {
        let server = try RedisServer()
        try await server.check("ACL", "SETUSER", "bob", "on", ">secret", "~*", "&*", "+@all", "-unlink")
        var configuration = RedisDriver.Configuration()
        configuration.username = "bob"
        configuration.password = "secret"
        configuration.commandTimeout = .seconds(60)
        for customMetadata in [true, false] {
            configuration.customMetadata = customMetadata
            let driver = try RedisDriver.redis(server.url, configuration)
            try await driver.setItem("a", [1], WriteOptions())
            let mutations = [Self.set("n", [1]), .touch(key: "a", ttl: .seconds(5)), .remove(key: "a")]
            let error = await #expect(throws: StorageError.self) {
                try await driver.commit(Commit(mutations: mutations))
            }
            #expect(error?.code == .permissionDenied)
            #expect(try await driver.getItems(["a", "n"]) == [[1], nil])
            #expect(try await driver.getMeta("a")?.ttl == nil)
            try await driver.dispose()
        }
    }
}
