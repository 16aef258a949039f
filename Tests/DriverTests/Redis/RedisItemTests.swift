import KVStorage
import Testing

@testable import KVStorageRedis

@Suite("Redis items")
struct RedisItemTests {
    private let server: RedisServer
    private let prefix: String

    init() throws {
        self.server = try RedisServer.shared.get()
        self.prefix = "items\(UInt64.random(in: 0 ... .max))"
    }

    private func storage(_ change: (inout RedisDriver.Configuration) -> Void = { _ in }) throws -> Storage {
        var configuration = RedisDriver.Configuration()
        configuration.prefix = self.prefix
        configuration.commandTimeout = .seconds(30)
        change(&configuration)
        return try Storage(.redis(self.server.url, configuration))
    }

    private func text(_ reply: Reply) -> String? {
        guard case .bytes(let bytes) = reply else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test("are plain strings that other clients read and write")
    func layout() async throws {
        let storage = try self.storage()
        try await storage.setItem("users:ada", ["born": 1815])
        #expect(self.text(try await self.server.call("GET", "\(self.prefix):users:ada")) == #"{"born":1815}"#)
        try await self.server.call("SET", "\(self.prefix):users:grace", #"{"born":1906}"#)
        #expect(try await storage.getItem("users:grace") == ["born": 1906])
        #expect(Set(try await storage.getKeys()) == ["users:ada", "users:grace"])
        try await storage.setMeta("users:ada", ["note": "first"])
        #expect(self.text(try await self.server.call("GET", "\(self.prefix):users:ada$")) == #"{"note":"first"}"#)
        #expect(try await self.server.call("EXISTS", "\(self.prefix):users:ada$") == .integer(1))
        try await storage.removeItem("users:ada")
        #expect(try await self.server.call("EXISTS", "\(self.prefix):users:ada$") == .integer(0))
        try await storage.clear()
        try await storage.dispose()
    }

    @Test("have lifetimes in the server, metadata the same, whichever call gave it")
    func lifetimes() async throws {
        let storage = try self.storage()
        let name = "\(self.prefix):k"
        func ttl(_ name: String) async throws -> Int64 { try await self.server.call("PTTL", name).integer(nil) }
        func check(_ range: ClosedRange<Int64>, _ call: String) async throws {
            let item = try await ttl(name)
            let meta = try await ttl(name + "$")
            #expect(range.contains(item), "\(call)")
            #expect(range.contains(meta), "\(call)")
            // The two are read one after the other, and the one of metadata is a millisecond shorter at most;
            // a machine with too much to do takes its time in between.
            #expect(abs(item - meta) < 60_000, "\(call)")
        }
        try await storage.setItem("k", 1)
        try await storage.setMeta("k", ["a": 1])
        try await check(-1 ... -1, "setMeta")
        try await storage.setItem("k", 2, ttl: .seconds(1000))
        try await check(900_000...1_000_000, "setItem with ttl")
        try await storage.setItem("k", 3)
        try await check(-1 ... -1, "setItem without")
        try await storage.touchItem("k", ttl: .seconds(2000))
        try await check(1_900_000...2_000_000, "touchItem")
        try await storage.updateItem("k", default: 0, ttl: .keep(orElse: .seconds(10))) { $0 += 1 }
        try await check(1_900_000...2_000_000, "updateItem that keeps")
        try await storage.incrementItem("k", ttl: .keep(orElse: .seconds(10)))
        try await check(1_900_000...2_000_000, "incrementItem that keeps")
        try await storage.incrementItem("k", by: 1, ttl: .keep)
        try await check(1_900_000...2_000_000, "INCRBY")
        try await storage.incrementItem("k", ttl: .seconds(3000))
        try await check(2_900_000...3_000_000, "incrementItem")
        try await storage.setItems([("k", 1)], ttl: .seconds(500))
        try await check(400_000...500_000, "setItems")
        try await storage.setMeta("k", ["a": 2])
        try await check(400_000...500_000, "setMeta again")
        try await storage.updateItem("k", default: 0) { $0 += 1 }
        try await check(-1 ... -1, "updateItem")
        try await storage.touchItem("k", ttl: .seconds(1_000_000 * 365 * 86_400))
        try await check(8_999_999_999_000_000...9_000_000_000_000_000, "a million years")
        #expect(try await storage.getMeta("k")?.ttl ?? .zero > .seconds(100_000 * 365 * 86_400))
        try await storage.clear()
        try await storage.dispose()
    }

    @Test("expire by the server's clock, for every call, with their metadata")
    func expiry() async throws {
        let storage = try self.storage()
        try await storage.setItem("k", 1, ttl: .milliseconds(40))
        try await storage.setItem("ever", 1, ttl: .seconds(1000))
        try await storage.touchItem("ever", ttl: .forever)
        try await storage.setMeta("k", ["note": "old"])
        // The server alone knows when; it says so by not having the item any more.
        while try await storage.hasItem("k") { await Task.yield() }
        #expect(try await storage.getItem("k", as: Int.self) == nil)
        #expect(try await storage.getMeta("k") == nil)
        #expect(try await storage.getKeys() == ["ever"])
        #expect(try await storage.touchItem("k", ttl: .seconds(5)) == false)
        #expect(try await storage.setMeta("k", ["note": "new"]) == false)
        #expect(try await storage.incrementItem("k", ttl: .seconds(60)) == 1)
        #expect(try await storage.getMeta("k")?.fieldBytes == nil)
        #expect(try await storage.clear() == 2)
        try await storage.dispose()
    }

    @Test("are listed and cleared only where they are items below the base")
    func listing() async throws {
        let storage = try self.storage { $0.scanCount = 10 }
        let strangers = [
            "\(self.prefix)x:a", "\(self.prefix)", "\(self.prefix):a::b", "\(self.prefix):a:", "\(self.prefix):lonely$",
            "x\(self.prefix):a",
        ]
        for name in strangers { try await self.server.call("SET", name, "1") }
        try await self.server.call("LPUSH", "\(self.prefix):list", "1")
        let keys = ["a*:1", "a[b]:1", "a?b\\:1", "a:1", "ab:1", "a\\:1", "^a-z:1"].map(normalizeKey)
        for key in keys { try await storage.setItem(key, 1) }
        #expect(Set(try await storage.getKeys()) == Set(keys))
        #expect(try await storage.getKeys("a*") == ["a*:1"])
        #expect(try await storage.getKeys("a[b]") == ["a[b]:1"])
        #expect(try await storage.getKeys("^a-z") == ["^a-z:1"])
        #expect(try await storage.clear("a*") == 1)
        #expect(try await storage.clear() == Set(keys).count - 1)
        for name in strangers { #expect(try await self.server.call("EXISTS", name) == .integer(1), "\(name)") }
        #expect(try await self.server.call("EXISTS", "\(self.prefix):list") == .integer(1))
        for name in strangers + ["\(self.prefix):list"] { try await self.server.call("DEL", name) }
        try await storage.dispose()
    }

    @Test("of another kind under the same key give a clear error")
    func wrongType() async throws {
        let storage = try self.storage()
        try await self.server.call("LPUSH", "\(self.prefix):list", "1")
        let error = await #expect(throws: StorageError.self) { try await storage.getItem("list", as: Int.self) }
        #expect(error?.code == .incompatibleFormat)
        #expect(error?.key == "list")
        #expect((error?.underlying as? RedisServerError)?.code == "WRONGTYPE")
        try await self.server.call("DEL", "\(self.prefix):list")
        try await storage.dispose()
    }

    @Test("listed page by page are whole when the server is restarted in between")
    func listingAcrossRestart() async throws {
        let server = try RedisServer(["--appendonly", "yes"])
        var configuration = RedisDriver.Configuration()
        configuration.scanCount = 5
        let storage = try Storage(.redis(server.url, configuration))
        let keys = (0..<200).map { "k\($0)" }
        try await storage.setItems(keys.map { ($0, 1) })
        var listed: [String] = []
        for try await key in storage.keys(in: "", pageSize: 20) {
            listed.append(key)
            if listed.count == 60 || listed.count == 120 {
                server.kill()
                try server.restart()
            }
        }
        #expect(listed.count == 200)
        #expect(Set(listed) == Set(keys))
        try await storage.dispose()
    }

    @Test("scripts are sent again to a server that forgot them")
    func scripts() async throws {
        let server = try RedisServer()
        let storage = try Storage(.redis(server.url))
        #expect(try await storage.incrementItem("n") == 1)
        try await server.call("SCRIPT", "FLUSH")
        #expect(try await storage.incrementItem("n") == 2)
        try await server.call("SCRIPT", "FLUSH")
        let sums = try await withThrowingTaskGroup(of: Int.self, returning: [Int].self) { group in
            for _ in 0..<50 { group.addTask { try await storage.incrementItem("n") } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(sums.sorted() == Array(3...52))
        try await storage.dispose()
    }

    @Test("a cursor of a listing is good for one page, and a strange one throws")
    func cursors() async throws {
        let driver = try RedisDriver.redis(self.server.url)
        let error = await #expect(throws: StorageError.self) { try await driver.getKeys(KeyQuery(cursor: "none")) }
        #expect(error?.code == .invalidOption)
        try await driver.dispose()
    }
}
