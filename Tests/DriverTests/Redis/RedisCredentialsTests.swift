import KVStorage
import Synchronization
import Testing

@testable import KVStorageRedis

@Suite("Redis credentials", .timeLimit(.minutes(5)))
struct RedisCredentialsTests {
    private struct Unavailable: Error {
        let token = "hidden-token"
    }

    @Test("are asked for anew for each connection")
    func each() async throws {
        let server = try RedisServer(["--requirepass", "first"])
        let (password, asked) = (Shared("first"), Counter())
        let storage = try RedisFaultTests.storage(server.url) {
            $0.credentials = {
                asked.add()
                return .init(password: password.value)
            }
        }
        try await storage.setItem("k", 1)
        #expect(asked.now == 1)
        try await server.configure(password: "first", "requirepass", "second")
        password.value = "second"
        try await server.call(password: "second", "CLIENT", "KILL", "TYPE", "normal")
        #expect(try await storage.getItem("k") == 1)
        #expect(asked.now == 2)
        try await storage.dispose()
    }

    @Test("that the server denies are asked for again, three times in a row")
    func denied() async throws {
        let server = try RedisServer(["--requirepass", "sesame"])
        let asked = Counter()
        let stale = try RedisFaultTests.storage(server.url) {
            $0.credentials = {
                asked.add()
                return .init(password: asked.now < 3 ? "stale-secret" : "sesame")
            }
        }
        try await stale.setItem("k", 1)
        #expect(asked.now == 3)
        try await stale.dispose()
        let wrong = try RedisFaultTests.storage(server.url) {
            $0.credentials = { .init(username: "ada", password: "wrong-secret") }
        }
        let error = await #expect(throws: StorageError.self) { try await wrong.setItem("k", 1) }
        #expect(error?.code == .permissionDenied)
        #expect(error.map { "\($0)" }?.contains("secret") == false)
        try await wrong.dispose()
    }

    @Test("log in to each node of a cluster")
    func cluster() async throws {
        let servers = try await RedisClusterServers.shared.value
        for server in servers.servers {
            try await server.check("ACL", "SETUSER", "grace", "on", ">hopper", "~*", "&*", "+@all")
        }
        let asked = Counter()
        let storage = try RedisFaultTests.storage(servers.url, timeout: .seconds(90)) {
            $0.connectTimeout = .seconds(30)
            $0.prefix = "credentials\(UInt64.random(in: 0 ... .max))"
            $0.credentials = {
                asked.add()
                return .init(username: "grace", password: asked.now == 1 ? "stale" : "hopper")
            }
        }
        try await storage.setItems((0..<30).map { ("k\($0)", $0) })
        #expect(try await storage.getItem("k7") == 7)
        #expect(asked.now >= 5, "to be told of the nodes, once in vain, and at each master")
        #expect(try await storage.clear() == 30)
        try await storage.dispose()
    }

    @Test("that can't be had fail the call in its time, and say why without the closure's words")
    func failing() async throws {
        let server = try RedisServer.shared.get()
        let throwing = try RedisFaultTests.storage(server.url, timeout: .seconds(1)) {
            $0.credentials = { throw Unavailable() }
        }
        var error: StorageError?
        // On a machine with too much to do the closure may not have been run when the time is over.
        repeat {
            error = await #expect(throws: StorageError.self) { try await throwing.getItem("k", as: Int.self) }
            #expect(error?.code == .unavailable)
            try Task.checkCancellation()
        } while error?.underlying == nil
        #expect(error?.message.contains("Unavailable") == true)
        #expect(error?.message.contains("hidden-token") == false)
        #expect(error?.underlying is Unavailable)
        try await throwing.dispose()
    }

    @Test("that never come hold nobody beyond the call's time, and are asked for once")
    func hanging() async throws {
        let server = try RedisServer.shared.get()
        let (asked, gate) = (Counter(), AsyncStream<Void>.makeStream())
        let storage = try RedisFaultTests.storage(server.url, timeout: .seconds(3)) {
            $0.connectTimeout = .milliseconds(100)
            $0.credentials = {
                asked.add()
                // Deaf to cancellation, as a closure may be.
                await Task { for await _ in gate.stream { return } }.value
                return .init(password: "unused")
            }
        }
        let error = await #expect(throws: StorageError.self) { try await storage.getItem("k", as: Int.self) }
        #expect(error?.code == .unavailable && error?.message.contains("credentials closure") == true)
        #expect(asked.now == 1)
        gate.continuation.finish()
        try await storage.dispose()
    }

    @Test("do not go together with fixed ones")
    func validation() {
        let closure: @Sendable () async throws -> RedisDriver.Credentials = { .init(password: "p") }
        var both = RedisDriver.Configuration()
        both.credentials = closure
        both.password = "p"
        var alone = RedisDriver.Configuration()
        alone.credentials = closure
        var sentinel = RedisDriver.Configuration()
        sentinel.sentinelCredentials = .init(password: "p")
        for (url, configuration) in [
            ("redis://host", both), ("redis://user:secret@host", alone), ("redis://host", sentinel),
            ("redis-cluster://host", sentinel),
        ] {
            let error = #expect(throws: StorageError.self) { try RedisDriver.redis(url, configuration) }
            #expect(error?.code == .invalidOption)
        }
    }

    @Test("appear in no description, reflection or dump, whatever holds them")
    func hidden() throws {
        var configuration = RedisDriver.Configuration()
        configuration.username = "ada"
        configuration.password = "hush-password"
        configuration.sentinelCredentials = .init(password: "hush-sentinel")
        var tls = RedisDriver.Configuration.TLS()
        tls.clientCertificate = .pem(certificate: [], key: Array("hush-key".utf8))
        configuration.tls = tls
        #expect(configuration.password == "hush-password")
        let url = try URL("redis://ada:hush-url@host")
        let options = RedisDriver.Configuration().options(for: url)
        let driver = try RedisDriver.redis(
            "redis-sentinel://ada:hush-url@host/main",
            {
                var configuration = RedisDriver.Configuration()
                configuration.sentinelCredentials = .init(password: "hush-sentinel")
                return configuration
            }())
        let subjects: [Any] = [configuration, RedisDriver.Credentials(password: "hush"), url, options, driver, tls]
        for subject in subjects {
            var dumped = ""
            dump(subject, to: &dumped)
            for text in [String(describing: subject), String(reflecting: subject), dumped] {
                #expect(!text.contains("hush"), "\(type(of: subject))")
            }
        }
        #expect(String(describing: configuration).contains("ada"), "the rest is shown")
    }
}

extension RedisServer {
    @discardableResult
    func call(password: String, _ words: String...) async throws -> Reply {
        var options = Connection.Options(endpoint: .host("127.0.0.1", port: self.port))
        options.password = Secret(password)
        options.commandTimeout = .seconds(30)
        let connection = try Connection(options)
        let reply = try await connection.send(isRepeatable: false) { writer in
            writer.begin(words.count)
            for word in words { writer.word(word) }
        }
        await connection.close()
        return reply
    }

    func configure(password: String, _ name: String, _ value: String) async throws {
        let reply = try await self.call(password: password, "CONFIG", "SET", name, value)
        guard case .ok = reply else { throw Failure(description: "\(name): \(reply)") }
    }
}
