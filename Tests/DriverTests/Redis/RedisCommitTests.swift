import KVStorage
import Testing

@testable import KVStorageRedis

@Suite("Redis commits and batches", .timeLimit(.minutes(5)))
struct RedisCommitTests {
    private static func set(
        _ key: String, _ value: [UInt8], _ ttl: TTL = .forever, _ fields: FieldChange = .keep
    ) -> Mutation {
        .set(key: key, value: value, options: WriteOptions(ttl: ttl), fields: fields)
    }

    private func values(_ driver: RedisDriver, _ keys: [String]) async throws -> [[UInt8]?] {
        try await driver.getEntries(keys).map { $0?.value }
    }

    @Test(
        "what is checked holds, or nothing is written and the first that does not is reported",
        arguments: RedisPlace.allCases)
    func checks(place: RedisPlace) async throws {
        let driver = try await place.driver()
        #expect(driver.capabilities.contains([.atomicCommit, .wholeReads]))
        let keys = ["a", "b", "c", "d"]
        for (key, value) in zip(keys, [[1], [], [3]] as [[UInt8]]) {
            try await driver.setItem(key, value, WriteOptions())
        }
        typealias Case = (checks: [Commit.Check], index: Int, current: [UInt8]?)
        let cases: [Case] = [
            ([.init("a", .absent)], 0, [1]),
            ([.init("b", .absent)], 0, []),
            ([.init("a", .present), .init("d", .present)], 1, nil),
            ([.init("a", .bytes([1])), .init("b", .bytes([])), .init("c", .bytes([1]))], 2, [3]),
            ([.init("b", .bytes([0]))], 0, []),
            ([.init("d", .bytes([]))], 0, nil),
            ([.init("d", .absent), .init("c", .absent), .init("a", .absent)], 1, [3]),
        ]
        for (checks, index, current) in cases {
            for mutations in [[], [Self.set("a", [9]), .remove(key: "b"), Self.set("d", [9])]] {
                let outcome = try await driver.commit(Commit(checks: checks, mutations: mutations))
                #expect(outcome == .mismatch(index: index, current: current))
                #expect(try await self.values(driver, keys) == [[1], [], [3], nil])
            }
        }
        let all = keys.dropLast().map { Commit.Check($0, .present) } + [.init("d", .absent), .init("c", .bytes([3]))]
        #expect(try await driver.commit(Commit(checks: all)) == .committed(found: []))
        #expect(try await driver.commit(Commit()) == .committed(found: []))
        let outcome = try await driver.commit(
            Commit(
                checks: all,
                mutations: [Self.set("d", [4]), .remove(key: "b"), Self.set("a", [2]), .remove(key: "none")]
                    + [.touch(key: "c", ttl: .seconds(100)), .touch(key: "none too", ttl: .forever)]))
        #expect(outcome == .committed(found: [false, true, true, false, true, false]))
        #expect(try await self.values(driver, keys + ["none too"]) == [[2], nil, [3], [4], nil])
        #expect(try await driver.getMeta("c")?.ttl ?? .zero > .seconds(50))
        #expect(try await driver.clear("") == 3)
        try await driver.dispose()
    }

    @Test("lifetimes and metadata of every kind of write, in a commit and in a batch", arguments: RedisPlace.allCases)
    func lifetimes(place: RedisPlace) async throws {
        let driver = try await place.driver()
        let soon = Timestamp(milliseconds: SystemClock().now.milliseconds + 500_000)
        let past = Timestamp(milliseconds: SystemClock().now.milliseconds - 1)
        let fields: FieldChange = place.customMetadata ? .replace([7]) : .keep
        func write(_ mutations: [Mutation], _ isCommit: Bool) async throws -> [Bool] {
            guard isCommit else { return try await driver.apply(mutations) }
            guard case .committed(let found) = try await driver.commit(Commit(mutations: mutations)) else { return [] }
            return found
        }
        func entry(_ key: String) async throws -> Entry? { try await driver.getEntries([key])[0] }
        func remaining(_ key: String) async throws -> Int64? {
            try await entry(key)?.meta.ttl.map { $0.components.seconds }
        }
        for isCommit in [true, false] {
            _ = try await driver.clear("")
            // Several at once, so that a batch is a script as well.
            let keys = ["forever", "seconds", "until", "over", "keep", "keep over"]
            let ttls: [TTL] = [
                .forever, .seconds(1000), .until(soon), .until(past), .keep(orElse: .seconds(300)),
                .keep(orElse: .until(past)),
            ]
            let created = try await write(zip(keys, ttls).map { Self.set($0, [1], $1, fields) }, isCommit)
            #expect(created == keys.map { _ in !isCommit })
            #expect(try await entry("forever")?.meta.deadline == nil)
            #expect((900...1000).contains(try await remaining("seconds") ?? 0))
            #expect((400...500).contains(try await remaining("until") ?? 0))
            #expect(try await entry("over") == nil)
            #expect(try await entry("keep over") == nil)
            #expect((200...300).contains(try await remaining("keep") ?? 0))
            if place.customMetadata {
                for key in ["forever", "seconds", "until", "keep"] {
                    #expect(try await entry(key)?.meta.fieldBytes == [7])
                }
            }
            // Written over: what is kept and what is not.
            #expect(
                try await write(
                    [
                        Self.set("seconds", [2], .keep(orElse: .forever)),
                        Self.set("keep", [2], .keep(orElse: .until(past))),
                        Self.set("until", [2], .forever), Self.set("forever", [2], .until(past)),
                    ], isCommit) == [true, true, true, true])
            #expect((900...1000).contains(try await remaining("seconds") ?? 0))
            #expect((200...300).contains(try await remaining("keep") ?? 0))
            #expect(try await entry("until")?.meta.deadline == nil)
            #expect(try await entry("forever") == nil)
            #expect(try await entry("until")?.meta.fieldBytes == (place.customMetadata ? [7] : nil))
            #expect(
                try await write(
                    [
                        .touch(key: "seconds", ttl: .forever), .touch(key: "until", ttl: .until(soon)),
                        .touch(key: "keep", ttl: .keep(orElse: .seconds(1))), .touch(key: "none", ttl: .keep),
                    ], isCommit) == [true, true, true, false])
            #expect(try await entry("seconds")?.meta.deadline == nil)
            #expect((400...500).contains(try await remaining("until") ?? 0))
            #expect((200...300).contains(try await remaining("keep") ?? 0))
            #expect(
                try await write(
                    [
                        .touch(key: "seconds", ttl: .until(past)), .touch(key: "over", ttl: .until(past)),
                        Self.set("keep", [3], .keep, .replace(nil)),
                    ], isCommit) == [true, false, true])
            #expect(try await entry("seconds") == nil)
            #expect(try await entry("keep")?.meta.fieldBytes == nil)
            #expect((200...300).contains(try await remaining("keep") ?? 0))
        }
        #expect(try await driver.clear("") == 2)
        try await driver.dispose()
    }

    @Test("metadata lives as long as its item, and is none of a predecessor", arguments: [RedisPlace.server, .cluster])
    func metadata(place: RedisPlace) async throws {
        let prefix = "commit\(UInt64.random(in: 0 ... .max))"
        let driver = try await place.driver(prefix: prefix)
        let server = place == .server ? try RedisServer.shared.get() : nil
        func lifetime(_ name: String) async throws -> Int64? {
            try await server?.call("PTTL", "\(prefix):\(name)").integer(nil)
        }
        let writes: [(ttl: TTL, range: ClosedRange<Int64>)] = [
            (.seconds(1000), 900_000...1_000_000), (.keep, 900_000...1_000_000), (.forever, -1 ... -1),
            (.seconds(500), 400_000...500_000),
        ]
        for (ttl, range) in writes {
            for fields in [FieldChange.replace([7]), .keep] {
                _ = try await driver.commit(
                    Commit(mutations: [Self.set("k", [1], ttl, fields), Self.set("l", [1], ttl, fields)]))
                let entries = try await driver.getEntries(["k", "l"])
                #expect(entries.map { $0?.meta.fieldBytes } == [[7], [7]])
                for name in ["k", "k$", "l$"] {
                    if let found = try await lifetime(name) { #expect(range.contains(found), "\(name) \(ttl)") }
                }
            }
        }
        _ = try await driver.apply([.touch(key: "k", ttl: .seconds(50)), .touch(key: "l", ttl: .forever)])
        if let found = try await lifetime("k$") { #expect((1000...50_000).contains(found)) }
        if let found = try await lifetime("l$") { #expect(found == -1) }
        if let server {
            // By a client that knows nothing of metadata.
            try await server.check("DEL", "\(prefix):k", "\(prefix):l")
            _ = try await driver.apply([Self.set("k", [2]), Self.set("l", [2])])
            #expect(try await driver.getEntries(["k", "l"]).map { $0?.meta.fieldBytes } == [nil, nil])
            #expect(try await server.call("EXISTS", "\(prefix):k$", "\(prefix):l$") == .integer(0))
        }
        #expect(try await driver.clear("") == 2)
        try await driver.dispose()
    }

    @Test(
        "without metadata fields are refused before anything is written",
        arguments: [RedisPlace.plainServer, .plainCluster])
    func noMetadata(place: RedisPlace) async throws {
        let driver = try await place.driver()
        let mutations = [Self.set("a", [1]), Self.set("b", [1], .forever, .replace([7]))]
        let applied = await #expect(throws: StorageError.self) { try await driver.apply(mutations) }
        let committed = await #expect(throws: StorageError.self) {
            try await driver.commit(Commit(mutations: mutations))
        }
        #expect(applied?.code == .notSupported && committed?.code == .notSupported)
        #expect(try await driver.getItems(["a", "b"]) == [nil, nil])
        #expect(try await driver.apply([Self.set("a", [1], .forever, .replace(nil))]) == [true])
        #expect(try await driver.clear("") == 1)
        try await driver.dispose()
    }

    @Test(
        "a batch is done in its order: of a key that comes twice the last write counts", arguments: RedisPlace.allCases)
    func repeated(place: RedisPlace) async throws {
        let driver = try await place.driver()
        let found = try await driver.apply([
            .remove(key: "k"), Self.set("k", [1], .seconds(100)), .touch(key: "k", ttl: .forever), .remove(key: "k"),
            .touch(key: "k", ttl: .seconds(5)), Self.set("k", [2]), Self.set("k", [3], .seconds(500)),
        ])
        #expect(found == [false, true, true, true, false, true, true])
        let entry = try #require(try await driver.getEntries(["k"])[0])
        #expect(entry.value == [3] && entry.meta.ttl ?? .zero > .seconds(100))
        #expect(try await driver.clear("") == 1)
        try await driver.dispose()
    }

    @Test("a lifetime that is over leaves no item, whichever call gives it", arguments: RedisPlace.allCases)
    func over(place: RedisPlace) async throws {
        let driver = try await place.driver()
        let past = TTL.until(Timestamp(milliseconds: SystemClock().now.milliseconds - 1))
        typealias Call = @Sendable () async throws -> Void
        let over = WriteOptions(ttl: past)
        let calls: [(name: String, call: Call)] = [
            ("setItem", { try await driver.setItem("k", [50], over) }),
            ("touchItem", { try #expect(await driver.touchItem("k", ttl: past)) }),
            ("apply", { try #expect(await driver.apply([.set(key: "k", value: [50], options: over)]) == [true]) }),
            ("incrementItem", { try #expect(await driver.incrementItem("k", by: 1, over) == 2) }),
            (
                "compareAndSwapItem",
                {
                    let result = try await driver.compareAndSwapItem("k", expected: [49], replacement: [50], over)
                    #expect(result == .swapped)
                }
            ),
        ]
        for (name, call) in calls {
            try await driver.setItem("k", [49], WriteOptions())
            if place.customMetadata { #expect(try await driver.setMeta("k", [7])) }
            try await call()
            #expect(try await driver.getItem("k") == nil, "\(name)")
            try await driver.setItem("k", [49], WriteOptions())
            #expect(try await driver.getMeta("k")?.fieldBytes == nil, "\(name)")
            _ = try await driver.removeItem("k")
        }
        #expect(
            try await driver.compareAndSwapItem("k", expected: nil, replacement: [1], WriteOptions(ttl: past))
                == .swapped)
        #expect(try await driver.getItem("k") == nil)
        try await driver.setItem("k", [1], WriteOptions(ttl: .keep(orElse: past)))
        #expect(try await driver.getItem("k") == nil)
        try await driver.dispose()
    }
}
