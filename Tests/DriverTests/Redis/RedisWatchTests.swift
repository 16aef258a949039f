import KVStorage
import Testing

@testable import KVStorageRedis

@Suite("Redis watching")
struct RedisWatchTests {
    private static func storage(
        _ server: RedisServer,
        _ watching: RedisDriver.Configuration.Watching
    ) throws -> Storage {
        var configuration = RedisDriver.Configuration()
        configuration.prefix = "w*"
        configuration.watching = watching
        configuration.reconnectDelay = .milliseconds(1)...(.milliseconds(50))
        return try Storage(.redis(server.url, configuration))
    }

    @Test("says so where the server's notifications are off")
    func off() async throws {
        let server = try RedisServer()
        let storage = try Self.storage(server, .notifications)
        let error = await #expect(throws: StorageError.self) { try await storage.watch() }
        #expect(error?.code == .notSupported)
        #expect(error?.message.contains("notify-keyspace-events") == true)
        try await storage.setItem("k", 1)
        #expect(try await storage.getItem("k") == 1)
        try await storage.dispose()
    }

    @Test("switches them on where it may, and leaves what is on")
    func switchedOn() async throws {
        let server = try RedisServer(["--notify-keyspace-events", "El"])
        let storage = try Self.storage(server, .switchingNotificationsOn)
        var events = try await storage.watch().makeAsyncIterator()
        try await server.call("SET", "w*:k", "1")
        #expect(try await events.next() == .update("k"))
        let flags = try await server.call("CONFIG", "GET", "notify-keyspace-events").elements(nil)
        let text = String(decoding: try flags.last?.bytesOrNull(nil) ?? [], as: UTF8.self)
        #expect("ElKg$xe".allSatisfy { text.contains($0) })
        try await storage.dispose()
    }

    @Test("tells of other clients' writes, of expiry, and of no strangers")
    func others() async throws {
        let storage = try Self.storage(try RedisServer.shared.get(), .notifications)
        let server = try RedisServer.shared.get()
        var events = try await storage.watch().makeAsyncIterator()
        try await server.call("SET", "wx:k", "1")
        try await server.call("SET", "w*:a", "1", "PX", "30")
        #expect(try await events.next() == .update("a"))
        #expect(try await events.next() == .remove("a", .expired))
        try await server.call("LPUSH", "w*:list", "1")
        try await server.call("APPEND", "w*:b", "1")
        #expect(try await events.next() == .update("b"))
        try await server.call("RENAME", "w*:b", "w*:c")
        #expect(try await events.next() == .remove("b", .removed))
        #expect(try await events.next() == .update("c"))
        try await storage.setItem("d", 1, ttl: .seconds(100))
        #expect(try await events.next() == .update("d"))
        try await storage.setMeta("d", ["a": 1])
        #expect(try await events.next() == .update("d"))
        try await storage.touchItem("d", ttl: .seconds(200))
        #expect(try await events.next() == .update("d"))
        try await storage.removeMeta("d")
        #expect(try await events.next() == .update("d"))
        try await storage.removeItem("d")
        #expect(try await events.next() == .remove("d", .removed))
        try await server.call("DEL", "w*:list", "w*:c", "wx:k")
        try await storage.dispose()
    }

    @Test("goes on after the server was restarted, and tells of the gap")
    func restarted() async throws {
        let server = try RedisServer(["--notify-keyspace-events", "KA"])
        let storage = try Self.storage(server, .notifications)
        var events = try await storage.watch().makeAsyncIterator()
        try await storage.setItem("a", 1)
        #expect(try await events.next() == .update("a"))
        server.kill()
        try server.restart()
        #expect(try await events.next() == .lagged)
        try await storage.setItem("b", 1)
        #expect(try await events.next() == .update("b"))
        try await storage.dispose()
        #expect(try await events.next() == nil)
    }

    @Test("switches them on again after the server was restarted without them")
    func restartedWithout() async throws {
        let server = try RedisServer()
        let storage = try Self.storage(server, .switchingNotificationsOn)
        var events = try await storage.watch().makeAsyncIterator()
        for key in ["a", "b"] {
            try await storage.setItem(key, 1)
            #expect(try await events.next() == .update(key))
            server.kill()
            try server.restart()
            #expect(try await server.flags().isEmpty)
            // When the gap is told, everything is heard again.
            #expect(try await events.next() == .lagged)
            #expect(try await server.flags().contains("K"))
        }
        try await storage.dispose()
    }

    @Test("ends where they are off when the connection comes again, and says why when asked for anew")
    func switchedOff() async throws {
        let server = try RedisServer(["--notify-keyspace-events", "KA"])
        let storage = try Self.storage(server, .notifications)
        let other = Storage(try OverlayDriver.overlay([RedisDriver.redis(server.url), MemoryDriver()]))
        var events = try await storage.watch().makeAsyncIterator()
        var overlaid = try await other.watch().makeAsyncIterator()
        try await storage.setItem("a", 1)
        #expect(try await events.next() == .update("a"))
        #expect(try await overlaid.next() == .update("w*:a"))
        try await server.check("CONFIG", "SET", "notify-keyspace-events", "")
        try await server.check("CLIENT", "KILL", "TYPE", "pubsub")
        #expect(try await events.next() == .lagged)
        #expect(try await events.next() == nil)
        #expect(try await overlaid.next() == .lagged)
        #expect(try await overlaid.next() == nil)
        let error = await #expect(throws: StorageError.self) { try await storage.watch() }
        #expect(error?.code == .notSupported)
        try await server.check("CONFIG", "SET", "notify-keyspace-events", "KA")
        events = try await storage.watch().makeAsyncIterator()
        try await storage.setItem("b", 1)
        #expect(try await events.next() == .update("b"))
        try await storage.dispose()
        try await other.dispose()
    }

    @Test("tells of a touch however soon it follows the write, and of a write with a lifetime once")
    func touches() async throws {
        // Its own, as another test watches the same names.
        let server = try RedisServer(["--notify-keyspace-events", "Kg$xe"])
        let storage = try Self.storage(server, .notifications)
        var events = try await storage.watch().makeAsyncIterator()
        for _ in 0..<20 {
            try await server.call("SET", "w*:t", "1")
            #expect(try await events.next() == .update("t"))
            try await server.call("PEXPIRE", "w*:t", "100000")
            #expect(try await events.next() == .update("t"))
            try await server.call("SET", "w*:t", "1", "PX", "100000")
            #expect(try await events.next() == .update("t"))
            try await storage.setMeta("t", ["a": 1])
            #expect(try await events.next() == .update("t"))
            try await storage.touchItem("t", ttl: .seconds(50))
            #expect(try await events.next() == .update("t"))
            try await storage.setItem("t", 2, ttl: .seconds(50))
            #expect(try await events.next() == .update("t"))
            try await storage.removeItem("t")
            #expect(try await events.next() == .remove("t", .removed))
        }
        try await storage.dispose()
    }

    @Test("of own writes needs no server's help")
    func ownWrites() async throws {
        let server = try RedisServer()
        let storage = try Self.storage(server, .ownWrites)
        var events = try await storage.watch().makeAsyncIterator()
        try await server.call("SET", "w*:a", "1")
        try await storage.setItem("b", 1)
        #expect(try await events.next() == .update("b"))
        try await storage.dispose()
    }

    @Test("knows which settings it needs")
    func flags() {
        #expect(Watcher.missing(in: "") == "Kg$x")
        #expect(Watcher.missing(in: "Ex") == "Kg$")
        #expect(Watcher.missing(in: "A") == "K")
        #expect(Watcher.missing(in: "AKE") == nil)
        #expect(Watcher.missing(in: "g$xK") == nil)
    }
}

extension RedisServer {
    /// Which keyspace notifications are on.
    fileprivate func flags() async throws -> String {
        let reply = try await self.call("CONFIG", "GET", "notify-keyspace-events").elements(nil)
        return String(decoding: try reply.last?.bytesOrNull(nil) ?? [], as: UTF8.self)
    }
}
