import KVStorage
import Testing

@testable import KVStorageRedis

/// A server that refuses what it has no memory for, with custom metadata and without.
@Suite("Redis out of memory", .timeLimit(.minutes(5)))
struct RedisMemoryTests {
    private static func server() throws -> RedisServer {
        try RedisServer(["--maxmemory", "20mb", "--maxmemory-policy", "noeviction", "--notify-keyspace-events", "Kg$x"])
    }

    @Test("what makes room for other items is emitted as evicted")
    func evicted() async throws {
        let server = try RedisServer([
            "--maxmemory", "20mb", "--maxmemory-policy", "allkeys-lru", "--notify-keyspace-events", "Kg$xe",
        ])
        let storage = Storage(try Self.driver(server, false))
        let events = try await storage.watch()
        let value = [UInt8](repeating: 1, count: 1 << 20)
        for number in 0..<40 { try await storage.setItemRaw("k\(number)", value) }
        try await storage.setItem("end", 1)
        var evicted: Set<String> = []
        for await event in events {
            if event == .update("end") { break }
            if case .remove(let key, let cause) = event {
                #expect(cause == .evicted)
                evicted.insert(key)
            }
        }
        #expect(evicted.count >= 20)
        try await storage.dispose()
    }

    private static func driver(_ server: RedisServer, _ customMetadata: Bool) throws -> RedisDriver {
        var configuration = RedisDriver.Configuration()
        configuration.customMetadata = customMetadata
        configuration.commandTimeout = .seconds(30)
        return try .redis(server.url, configuration)
    }

    @Test("a server that evicts is known for it from the first connection on")
    func evicting() async throws {
        for (policy, limit, evicts) in [
            ("allkeys-lru", "20mb", true), ("volatile-ttl", "20mb", true), ("noeviction", "20mb", false),
            ("allkeys-lru", "0", false),
        ] {
            let server = try RedisServer(["--maxmemory", limit, "--maxmemory-policy", policy])
            let driver = try Self.driver(server, true)
            #expect(!driver.capabilities.contains(.evicts))
            try await driver.setItem("a", [1], WriteOptions())
            #expect(driver.capabilities.contains(.evicts) == evicts, "\(policy) \(limit)")
            try await driver.dispose()
        }
        // Who may not ask does not learn of it, and can work all the same.
        let server = try RedisServer(["--maxmemory", "20mb", "--maxmemory-policy", "allkeys-lru"])
        try await server.check("ACL", "SETUSER", "default", "-info")
        let driver = try Self.driver(server, true)
        try await driver.setItem("a", [1], WriteOptions())
        #expect(!driver.capabilities.contains(.evicts))
        try await driver.dispose()
    }

    private static func usedMemory(_ server: RedisServer) async throws -> Int {
        let lines = try await server.text("INFO", "memory").split(whereSeparator: \.isNewline)
        let line = try #require(lines.first { $0.hasPrefix("used_memory:") })
        return try #require(Int(line.dropFirst("used_memory:".count)))
    }

    @Test("no kind of write goes on beyond maxmemory", arguments: [true, false])
    func bounded(customMetadata: Bool) async throws {
        let server = try Self.server()
        let driver = try Self.driver(server, customMetadata)
        let value = [UInt8](repeating: 1, count: 2 << 20)
        let hour = WriteOptions(ttl: .seconds(3600))
        let keepHour = WriteOptions(ttl: .keep(orElse: .seconds(3600)))
        typealias Write = @Sendable (String) async throws -> Void
        let writes: [(name: String, write: Write)] = [
            ("setItem", { try await driver.setItem($0, value, WriteOptions()) }),
            ("setItem ttl", { try await driver.setItem($0, value, hour) }),
            ("setItem keep", { try await driver.setItem($0, value, keepHour) }),
            (
                "setItem ifAbsent",
                { _ = try await driver.compareAndSwapItem($0, expected: nil, replacement: value, hour) }
            ),
            (
                "compareAndSwapItem",
                { key in
                    try await driver.setItem(key, [1], WriteOptions())
                    _ = try await driver.compareAndSwapItem(key, expected: [1], replacement: value, hour)
                }
            ),
            (
                "apply",
                {
                    _ = try await driver.apply([
                        .set(key: $0, value: value, options: hour), .set(key: $0 + "b", value: [1], options: keepHour),
                    ])
                }
            ),
        ]
        for (name, write) in writes {
            var refused = 0
            for index in 0..<20 {
                do { try await write("\(name)\(index)") } catch let error as StorageError {
                    #expect(error.code == .full, "\(name): \(error)")
                    refused += 1
                }
            }
            #expect(refused > 0, "\(name)")
            #expect(try await Self.usedMemory(server) < 30 << 20, "\(name)")
            _ = try await driver.clear("")
        }
        try await driver.dispose()
    }

    @Test(
        "every write that needs memory is refused and changes nothing; what frees it works", arguments: [true, false])
    func refusals(customMetadata: Bool) async throws {
        let server = try Self.server()
        let driver = try Self.driver(server, customMetadata)
        let storage = Storage(driver)
        for key in ["a", "b", "c", "d", "e"] { try await storage.setItem(key, 1, ttl: .seconds(1000)) }
        if customMetadata {
            for key in ["a", "b"] { try await storage.setMeta(key, ["old": 1]) }
        }
        try await server.check("CONFIG", "SET", "maxmemory", "1")

        typealias Write = @Sendable () async throws -> Void
        var writes: [(name: String, write: Write)] = [
            ("setItem", { try await storage.setItem("a", 2) }),
            ("setItem ttl", { try await storage.setItem("a", 2, ttl: .seconds(5)) }),
            ("setItem keepTTL", { try await storage.setItem("a", 2, ttl: .keep(orElse: .seconds(5))) }),
            ("setItem ifAbsent", { _ = try await storage.setItem("new", 2, ifAbsent: true) }),
            ("updateItem", { try await storage.updateItem("a", default: 0) { $0 += 1 } }),
            (
                "compareAndSwap",
                {
                    let one = Array("1".utf8)
                    _ = try await storage.compareAndSwapItem("a", expected: one, replacement: [2], ttl: .seconds(5))
                }
            ),
            ("incrementItem", { try await storage.incrementItem("a") }),
            ("incrementItem ttl", { try await storage.incrementItem("a", ttl: .seconds(5)) }),
            ("setItems", { try await storage.setItems([("a", 2), ("new", 2)], ttl: .seconds(5)) }),
            (
                "apply",
                {
                    _ = try await driver.apply([.remove(key: "b"), .set(key: "a", value: [2], options: WriteOptions())])
                }
            ),
            (
                "apply keep",
                {
                    let keep = WriteOptions(ttl: .keep(orElse: .seconds(5)))
                    _ = try await driver.apply([
                        .remove(key: "b"), .set(key: "a", value: [2], options: keep),
                        .set(key: "new", value: [2], options: keep),
                    ])
                }
            ),
        ]
        writes.append(
            (
                "commit",
                {
                    let commit = Commit(
                        checks: [.init("a", .present)],
                        mutations: [
                            .remove(key: "b"), .touch(key: "c", ttl: .seconds(5)),
                            .set(key: "a", value: [2], options: WriteOptions()),
                        ])
                    _ = try await driver.commit(commit)
                }
            ))
        if customMetadata { writes.append(("setMeta", { try await storage.setMeta("a", ["new": 1]) })) }
        for (name, write) in writes {
            let error = await #expect(throws: StorageError.self, "\(name)") { try await write() }
            #expect(error?.code == .full, "\(name): \(error.map(String.init(describing:)) ?? "")")
            // Reads go on, the one of metadata too.
            #expect(try await storage.getItem("a") == 1, "\(name)")
            #expect(try await storage.hasItem("b"), "\(name)")
            #expect(try await storage.hasItem("new") == false, "\(name)")
            let meta = try #require(try await storage.getMeta("a"), "\(name)")
            #expect(try #require(meta.ttl, "\(name)") > .seconds(900), "\(name)")
            if customMetadata { #expect(try meta.fields() == ["old": 1], "\(name)") }
        }

        var events = try await storage.watch().makeAsyncIterator()
        if customMetadata {
            #expect(try await storage.removeMeta("a"))
            #expect(try await storage.getMeta("a")?.fieldBytes == nil)
            #expect(try await events.next() == .update("a"))
        }
        #expect(try await storage.touchItem("a", ttl: .seconds(2000)))
        #expect(try await events.next() == .update("a"))
        #expect(try await storage.removeItem("a"))
        #expect(try await events.next() == .remove("a", .removed))
        #expect(try await storage.takeItem("b") == 1)
        #expect(try await storage.compareAndSwapItem("c", expected: Array("1".utf8), replacement: nil))
        #expect(Set(try await storage.getKeys()) == ["d", "e"])
        #expect(try await storage.getPagedKeys() == ["d", "e"])
        #expect(try await driver.apply([.remove(key: "d"), .remove(key: "x")]) == [true, false])
        let freeing = Commit(mutations: [.touch(key: "e", ttl: .seconds(9)), .remove(key: "x")])
        #expect(try await driver.commit(freeing) == .committed(found: [true, false]))
        #expect(try await driver.commit(Commit(checks: [.init("e", .present)])) == .committed(found: []))
        #expect(try await storage.clear() == 1)
        #expect(try await server.call("DBSIZE") == .integer(0))
        try await storage.dispose()
    }
}

extension Storage {
    fileprivate func getPagedKeys() async throws -> Set<String> {
        var keys: Set<String> = []
        for try await key in self.keys(in: "", pageSize: 1) { keys.insert(key) }
        return keys
    }
}
