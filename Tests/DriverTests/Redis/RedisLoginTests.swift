import KVStorage
import Testing

@testable import KVStorageRedis

@Suite("Redis login")
struct RedisLoginTests {
    private static let server = Result {
        try RedisServer([
            "--requirepass", "sesame", "--user", "ada", "on", ">lovelace", "~app:*", "&*", "+@all", "-config",
        ])
    }

    private let server: RedisServer

    init() throws {
        self.server = try Self.server.get()
    }

    private func url(_ userinfo: String, _ database: String = "") -> String {
        "redis://\(userinfo)127.0.0.1:\(self.server.port)\(database)"
    }

    @Test("with a password, or a user and a password")
    func succeeds() async throws {
        let storage = try Storage(.redis(self.url(":sesame@")))
        try await storage.setItem("app:a", 1)
        let other = try Storage(.redis(self.url("ada:lovelace@")))
        #expect(try await other.getItem("app:a") == 1)
        try await storage.dispose()
        try await other.dispose()
    }

    @Test(
        "without the right one throws permissionDenied at once",
        arguments: ["", ":wrong@", "ada:wrong@", "nobody:sesame@"])
    func fails(_ userinfo: String) async throws {
        let storage = try Storage(.redis(self.url(userinfo)))
        for _ in 0..<2 {
            let error = await #expect(throws: StorageError.self) { try await storage.setItem("app:a", 1) }
            #expect(error?.code == .permissionDenied)
            #expect(error?.description.contains("wrong") == false)
        }
        try await storage.dispose()
    }

    @Test("that allows only some keys")
    func limited() async throws {
        let storage = try Storage(.redis(self.url("ada:lovelace@")))
        try await storage.setItem("app:b", 1)
        let error = await #expect(throws: StorageError.self) { try await storage.setItem("other", 1) }
        #expect(error?.code == .permissionDenied)
        #expect(try await storage.getItem("app:b") == 1)
        try await storage.dispose()
    }

    @Test("to a database of its own")
    func database() async throws {
        let first = try Storage(.redis(self.url(":sesame@", "/1")))
        let second = try Storage(.redis(self.url(":sesame@", "/2")))
        try await first.setItem("app:where", 1)
        #expect(try await second.getItem("app:where", as: Int.self) == nil)
        let absent = try Storage(.redis(self.url(":sesame@", "/99")))
        let error = await #expect(throws: StorageError.self) { try await absent.getItem("k", as: Int.self) }
        #expect(error?.code == .invalidOption)
        for storage in [first, second, absent] { try await storage.dispose() }
    }

    @Test("tells the server its name")
    func name() async throws {
        var configuration = RedisDriver.Configuration()
        configuration.clientName = "the-name"
        let server = try RedisServer()
        let storage = try Storage(.redis(server.url, configuration))
        try await storage.setItem("k", 1)
        guard case .bytes(let list) = try await server.call("CLIENT", "LIST") else {
            Issue.record("no list")
            return
        }
        #expect(String(decoding: list, as: UTF8.self).contains("name=the-name"))
        try await storage.dispose()
    }

    @Test("watching without the right to ask for the settings says what to do")
    func watching() async throws {
        let storage = try Storage(.redis(self.url("ada:lovelace@")))
        let error = await #expect(throws: StorageError.self) { try await storage.watch() }
        #expect(error?.code == .notSupported)
        #expect(error?.message.contains("assumingNotifications") == true)
        try await storage.dispose()
    }
}
