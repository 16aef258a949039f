import KVStorage
import Testing

@testable import KVStorageRedis

/// What metadata there is beside which item, and drivers that keep none.
@Suite("Redis metadata", .timeLimit(.minutes(5)))
struct RedisMetadataTests {
    private let server: RedisServer
    private let prefix: String

    init() throws {
        self.server = try RedisServer.shared.get()
        self.prefix = "metadata\(UInt64.random(in: 0 ... .max))"
    }

    private func driver(_ change: (inout RedisDriver.Configuration) -> Void = { _ in }) throws -> RedisDriver {
        var configuration = RedisDriver.Configuration()
        configuration.prefix = self.prefix
        configuration.commandTimeout = .seconds(30)
        change(&configuration)
        return try .redis(self.server.url, configuration)
    }

    @Test("a new item has none of a predecessor that another client removed, whichever call creates it")
    func leftovers() async throws {
        let storage = Storage(try self.driver())
        typealias Write = @Sendable () async throws -> Void
        let writes: [(name: String, write: Write)] = [
            ("setItem", { try await storage.setItem("k", 1) }),
            ("setItem ttl", { try await storage.setItem("k", 1, ttl: .seconds(100)) }),
            ("setItem keepTTL", { try await storage.setItem("k", 1, ttl: .keep) }),
            ("setItem ttl keepTTL", { try await storage.setItem("k", 1, ttl: .keep(orElse: .seconds(100))) }),
            ("setItem ifAbsent", { _ = try await storage.setItem("k", 1, ifAbsent: true) }),
            ("updateItem", { try await storage.updateItem("k", default: 0) { $0 += 1 } }),
            ("incrementItem", { try await storage.incrementItem("k") }),
            ("incrementItem keepTTL", { try await storage.incrementItem("k", by: 1, ttl: .keep) }),
            ("setItems", { try await storage.setItems([("k", 1), ("l", 1)]) }),
            ("setItems ttl", { try await storage.setItems([("k", 1), ("l", 1)], ttl: .seconds(100)) }),
        ]
        for (name, write) in writes {
            try await storage.setItem("k", 0)
            try await storage.setMeta("k", ["owner": "ada"])
            try await self.server.check("DEL", "\(self.prefix):k")
            #expect(try await storage.getMeta("k") == nil, "\(name)")
            try await write()
            #expect(try await storage.getItem("k") == 1, "\(name)")
            let meta = try #require(try await storage.getMeta("k"), "\(name)")
            #expect(meta.fieldBytes == nil, "\(name)")
            #expect(try await self.server.call("EXISTS", "\(self.prefix):k$") == .integer(0), "\(name)")
            try await storage.removeItem("k")
        }
        try await storage.clear()
        try await storage.dispose()
    }

    @Test("without metadata an item is one key, and each write of it one command")
    func oneKey() async throws {
        let server = try RedisServer()
        var configuration = RedisDriver.Configuration()
        configuration.customMetadata = false
        let driver = try RedisDriver.redis(server.url, configuration)
        #expect(!driver.capabilities.contains(.customMetadata))
        let storage = Storage(driver)
        let error = await #expect(throws: StorageError.self) { try await storage.setMeta("k", ["a": 1]) }
        #expect(error?.code == .notSupported)
        // Scripts are known after their first use.
        for _ in 0..<2 {
            _ = try await driver.compareAndSwapItem("s", expected: [0], replacement: [1], WriteOptions())
            _ = try await driver.compareAndSwapItem("s", expected: [0], replacement: nil, WriteOptions())
            try await driver.setItem("s", [0], WriteOptions(ttl: .keep(orElse: .seconds(9))))
            _ = try await driver.apply([.remove(key: "s"), .remove(key: "t")])
        }

        typealias Write = @Sendable () async throws -> Void
        let hour = WriteOptions(ttl: .seconds(3600))
        let keep = WriteOptions(ttl: .keep(orElse: .forever))
        let writes: [(name: String, write: Write)] = [
            ("setItem", { try await driver.setItem("k", [1], WriteOptions()) }),
            ("setItem ttl", { try await driver.setItem("k", [1], hour) }),
            ("setItem keep", { try await driver.setItem("k", [1], keep) }),
            (
                "setItem keep or ttl",
                { try await driver.setItem("k", [1], WriteOptions(ttl: .keep(orElse: .seconds(1)))) }
            ),
            (
                "create",
                {
                    let result = try await driver.compareAndSwapItem("n", expected: nil, replacement: [1], hour)
                    #expect(result == .swapped)
                }
            ),
            (
                "compareAndSwap",
                {
                    let result = try await driver.compareAndSwapItem("k", expected: [1], replacement: [2], keep)
                    #expect(result == .swapped)
                }
            ),
            (
                "remove if equal",
                {
                    let result = try await driver.compareAndSwapItem("n", expected: [1], replacement: nil, hour)
                    #expect(result == .swapped)
                }
            ),
            ("touchItem", { try #require(try await driver.touchItem("k", ttl: .seconds(60))) }),
            ("apply", { _ = try await driver.apply([.set(key: "n", value: [1], options: hour)]) }),
            (
                "apply remove",
                { try #require(try await driver.apply([.remove(key: "n"), .remove(key: "x")]) == [true, false]) }
            ),
            ("removeItem", { try #require(try await driver.removeItem("k")) }),
        ]
        for (name, write) in writes {
            try await server.check("CONFIG", "RESETSTAT")
            try await write()
            #expect(try await server.commandsProcessed() == 1, "\(name)")
        }
        try await storage.dispose()
    }

    @Test("without metadata what was kept before stays unread, until a driver with metadata removes the item")
    func formerMetadata() async throws {
        let with = Storage(try self.driver())
        let without = Storage(try self.driver { $0.customMetadata = false })
        try await with.setItem("k", 1)
        try await with.setMeta("k", ["a": 1])
        #expect(try await without.getMeta("k")?.fieldBytes == nil)
        #expect(try await without.getMeta("k")?.size == 1)
        #expect(try await without.getKeys() == ["k"])
        try await without.setItem("k", 2)
        #expect(try await with.getMeta("k")?.fields() == ["a": 1])
        #expect(try await without.clear() == 1)
        #expect(try await self.server.call("EXISTS", "\(self.prefix):k$") == .integer(1))
        try await with.removeItem("k")
        #expect(try await self.server.call("EXISTS", "\(self.prefix):k$") == .integer(0))
        try await with.dispose()
        try await without.dispose()
    }

    @Test("what other programs keep as something else is refused by every call that can tell")
    func foreignTypes() async throws {
        let driver = try self.driver()
        try await self.server.call("LPUSH", "\(self.prefix):list", "1")
        try await driver.setItem("k", [1], WriteOptions())
        typealias Call = @Sendable () async throws -> Void
        let calls: [(name: String, call: Call)] = [
            ("getItem", { _ = try await driver.getItem("list") }),
            ("getItems", { _ = try await driver.getItems(["k", "list"]) }),
            ("getEntries", { _ = try await driver.getEntries(["k", "list"]) }),
            ("getMeta", { _ = try await driver.getMeta("list") }),
            ("commit", { _ = try await driver.commit(Commit(checks: [.init("list", .bytes([1]))])) }),
            ("commit of a removal", { _ = try await driver.commit(Commit(mutations: [.remove(key: "list")])) }),
            ("setMeta", { _ = try await driver.setMeta("list", [1]) }),
            ("removeItem", { _ = try await driver.removeItem("list") }),
            ("takeItem", { _ = try await driver.takeItem("list") }),
            ("increment", { _ = try await driver.incrementItem("list", by: 1, WriteOptions(ttl: .seconds(5))) }),
            (
                "compareAndSwap",
                { _ = try await driver.compareAndSwapItem("list", expected: [1], replacement: [2], WriteOptions()) }
            ),
            (
                "create",
                { _ = try await driver.compareAndSwapItem("list", expected: nil, replacement: [2], WriteOptions()) }
            ),
        ]
        for (name, call) in calls {
            let error = await #expect(throws: StorageError.self, "\(name)") { try await call() }
            #expect(error?.code == .incompatibleFormat, "\(name)")
            #expect(error?.key == "list", "\(name)")
            #expect(try await self.server.call("LLEN", "\(self.prefix):list") == .integer(1), "\(name)")
        }
        let removals = [Mutation.remove(key: "k"), .remove(key: "list")]
        let error = await #expect(throws: StorageError.self) { try await driver.apply(removals) }
        #expect(error?.code == .incompatibleFormat)
        #expect(try await driver.clear("") == 1, "nothing was removed")
        try await self.server.call("DEL", "\(self.prefix):list")
        try await driver.dispose()
    }
}

extension RedisServer {
    /// How many commands that concern items were run since the statistics were reset; a script is one.
    fileprivate func commandsProcessed() async throws -> Int {
        var counts: [Substring: Int] = [:]
        for line in try await self.text("INFO", "commandstats").split(whereSeparator: \.isNewline) {
            let parts = line.split { $0 == ":" || $0 == "=" || $0 == "," }
            guard parts.count > 2, parts[0].hasPrefix("cmdstat_") else { continue }
            counts[parts[0].dropFirst("cmdstat_".count)] = Int(parts[2])
        }
        // Those in a script are counted as well.
        let scripts = counts["evalsha", default: 0] + counts["eval", default: 0]
        guard scripts == 0 else { return scripts }
        let commands: [Substring] = ["set", "get", "pexpire", "persist", "unlink", "multi", "exec", "exists"]
        return commands.reduce(0) { $0 + counts[$1, default: 0] }
    }
}
