import KVStorage
import Testing

@testable import KVStorageRedis

@Suite("Redis entries", .timeLimit(.minutes(5)))
struct RedisEntryTests {
    @Test("value, lifetime and metadata are of one and the same write", arguments: RedisPlace.allCases)
    func oneWrite(place: RedisPlace) async throws {
        let driver = try await place.driver()
        let isOver = Counter()
        let lifetimes: [TTL] = [.forever, .seconds(1000), .seconds(5000)]
        let ranges: [ClosedRange<Int64>?] = [nil, 500...1000, 4500...5000]
        let keys = (0..<20).map { "k\($0)" }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    while isOver.now == 0 {
                        for entry in try await driver.getEntries(keys + ["none"]) {
                            guard let entry else { continue }
                            let kind = try #require(entry.value.first.map(Int.init))
                            let seconds = entry.meta.ttl?.components.seconds
                            #expect(ranges[kind].map { $0.contains(seconds ?? 0) } ?? (seconds == nil))
                            #expect(entry.meta.size == kind + 1)
                            if place.customMetadata { #expect(entry.meta.fieldBytes == entry.value) }
                        }
                    }
                }
            }
            for round in 0..<300 {
                let kind = round % 3
                let value = [UInt8](repeating: UInt8(kind), count: kind + 1)
                let mutations = keys.map { key in
                    Mutation.set(
                        key: key, value: value, options: WriteOptions(ttl: lifetimes[kind]),
                        fields: place.customMetadata ? .replace(value) : .keep)
                }
                if round.isMultiple(of: 2) {
                    _ = try await driver.apply(mutations)
                } else {
                    _ = try await driver.commit(Commit(mutations: mutations))
                }
            }
            isOver.add()
            try await group.waitForAll()
        }
        #expect(try await driver.clear("") == keys.count)
        try await driver.dispose()
    }

    @Test("batches of more items than are read as a rule are seen whole", arguments: RedisPlace.allCases)
    func whole(place: RedisPlace) async throws {
        let driver = try await place.driver()
        // More than one `MGET` asks for, however small the items are.
        let keys = (0..<1100).map { "k\($0)" }
        let isOver = Counter()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                while isOver.now == 0 {
                    let items = try await driver.getItems(keys)
                    #expect(Set(items).count == 1)
                }
            }
            group.addTask {
                while isOver.now == 0 {
                    let entries = try await driver.getEntries(keys)
                    #expect(Set(entries.map { $0?.value }).count == 1)
                }
            }
            for round in 0..<50 {
                let value = [UInt8](repeating: UInt8(round), count: 10)
                _ = try await driver.apply(keys.map { .set(key: $0, value: value, options: WriteOptions()) })
            }
            isOver.add()
            try await group.waitForAll()
        }
        #expect(try await driver.clear("") == keys.count)
        try await driver.dispose()
    }

    @Test("come in the order asked, also those of several slots, with repetitions, in parts where they are large")
    func order() async throws {
        let cluster = try await RedisClusterServers.shared.value
        var configuration = RedisDriver.Configuration()
        configuration.prefix = "entries\(UInt64.random(in: 0 ... .max))"
        configuration.commandTimeout = .seconds(60)
        let driver = try RedisDriver.redis(cluster.url, configuration)
        let keys = (0..<150).map { "k\($0)" } + (0..<3).map { "{t}\($0)" }
        for (index, key) in keys.enumerated() where index % 3 > 0 || index >= 150 {
            let size = index >= 150 ? 5 << 20 : 10
            try await driver.setItem(key, [UInt8](repeating: UInt8(index), count: size), WriteOptions())
            if index.isMultiple(of: 2) { #expect(try await driver.setMeta(key, [UInt8(index)])) }
        }
        let asked = keys.reversed() + ["k1", "none", "k1"]
        for _ in 0..<2 {
            let entries = try await driver.getEntries(asked)
            #expect(entries.count == asked.count)
            for (key, entry) in zip(asked, entries) {
                guard let index = keys.firstIndex(of: key), index % 3 > 0 || index >= 150 else {
                    #expect(entry == nil)
                    continue
                }
                #expect(entry?.value.first == UInt8(index))
                #expect(entry?.meta.size == (index >= 150 ? 5 << 20 : 10))
                #expect(entry?.meta.fieldBytes == (index.isMultiple(of: 2) ? [UInt8(index)] : nil))
            }
        }
        #expect(try await driver.getEntries([]).isEmpty)
        #expect(try await driver.getItems([]).isEmpty)
        #expect(try await driver.clear("") == 103)
        try await driver.dispose()
    }

    @Test("without metadata the metadata's key is not touched")
    func withoutMetadata() async throws {
        let prefix = "entries\(UInt64.random(in: 0 ... .max))"
        let with = try await RedisPlace.server.driver(prefix: prefix)
        let without = try await RedisPlace.plainServer.driver(prefix: prefix)
        try await with.setItem("k", [1], WriteOptions(ttl: .seconds(100)))
        #expect(try await with.setMeta("k", [7]))
        #expect(try await with.getEntries(["k"])[0]?.meta.fieldBytes == [7])
        #expect(try await without.getEntries(["k"])[0]?.meta.fieldBytes == nil)
        #expect(try await without.getEntries(["k"])[0]?.meta.ttl ?? .zero > .seconds(50))
        _ = try await without.commit(Commit(mutations: [.set(key: "k", value: [2], options: WriteOptions())]))
        #expect(try await with.getEntries(["k"])[0]?.meta.fieldBytes == [7])
        #expect(try await with.clear("") == 1)
        for driver in [with, without] { try await driver.dispose() }
    }
}
