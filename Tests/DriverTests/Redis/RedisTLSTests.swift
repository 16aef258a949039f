import ChildProcess
import KVStorage
import KVStorageRedis
import KVStorageTesting
import Synchronization
import Testing

#if RedisTLSSupport

@Suite("Redis over TLS", .timeLimit(.minutes(5)))
struct RedisTLSTests {
    static let server = Result { try RedisTLSServer() }

    private let server: RedisTLSServer

    init() throws {
        self.server = try Self.server.get()
    }

    static func configuration(
        _ server: RedisTLSServer,
        _ change: (inout RedisDriver.Configuration.TLS) -> Void = { _ in }
    ) -> RedisDriver.Configuration {
        var configuration = RedisDriver.Configuration()
        configuration.prefix = "tls\(UInt64.random(in: 0 ... .max))"
        configuration.commandTimeout = .seconds(30)
        configuration.reconnectDelay = .milliseconds(1)...(.milliseconds(20))
        var tls = RedisDriver.Configuration.TLS()
        tls.certificateAuthorityFile = server.certificate
        change(&tls)
        configuration.tls = tls
        return configuration
    }

    private static let places = Atomic<Int>(0)

    static func subject(_ name: String, url: String) throws -> ConformanceSubject {
        let server = try Self.server.get()
        let open: @Sendable (String) throws -> RedisDriver = { place in
            var configuration = Self.configuration(server)
            configuration.prefix = place
            configuration.scanCount = 10_000
            return try RedisDriver.redis(url, configuration)
        }
        return ConformanceSubject(
            name,
            takesClock: false,
            place: { "place\(Self.places.wrappingAdd(1, ordering: .relaxed).newValue)" },
            cleanUp: { place in
                let driver = try open(place)
                _ = try await driver.clear("")
                try await driver.dispose()
            },
            driver: { place, _ in try open(place) }
        )
    }

    @Test(
        .serialized,
        arguments: try await ConformanceSuite.cases(for: [Self.subject("TLS", url: Self.server.get().url)]))
    func conformance(_ conformance: ConformanceCase) async throws {
        try await conformance.run()
    }

    @Test("values of every size come whole")
    func sizes() async throws {
        let storage = try Storage(.redis(self.server.url, Self.configuration(self.server)))
        for size in [0, 1, 16_383, 16_384, 16_385, 65_536, 5_000_000] {
            let value = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            try await storage.setItemRaw("size:\(size)", value)
            #expect(try await storage.getItemRaw("size:\(size)") == value)
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<64 {
                group.addTask {
                    for round in 0..<100 {
                        try await storage.setItem("task:\(task)", [task, round])
                        #expect(try await storage.getItem("task:\(task)") == [task, round])
                    }
                }
            }
            try await group.waitForAll()
        }
        try await storage.clear()
        try await storage.dispose()
    }

    @Test("a certificate that nobody vouches for, or that is for another name, is refused at once")
    func untrusted() async throws {
        let changes: [(inout RedisDriver.Configuration.TLS) -> Void] = [
            { $0.certificateAuthorityFile = nil }, { $0.serverName = "another.example" },
            { $0.serverName = "127.0.0.2" },
        ]
        for change in changes {
            let storage = try Storage(.redis(self.server.url, Self.configuration(self.server, change)))
            let error = await #expect(throws: StorageError.self) { try await storage.getItem("k", as: Int.self) }
            #expect(error?.code == .permissionDenied)
            #expect(error?.message.contains("certificate is not trusted") == true)
            try await storage.dispose()
        }
    }

    @Test("by name, by address, and without looking at the certificate")
    func trusted() async throws {
        let changes: [(inout RedisDriver.Configuration.TLS) -> Void] = [
            { _ in }, { $0.serverName = "localhost" },
            {
                $0.verifiesServer = false
                $0.certificateAuthorityFile = nil
            },
        ]
        for change in changes {
            let storage = try Storage(.redis(self.server.url, Self.configuration(self.server, change)))
            try await storage.setItem("trusted", 1)
            #expect(try await storage.takeItem("trusted") == 1)
            try await storage.dispose()
        }
    }

    @Test("a server that does not speak TLS is a clear error")
    func plain() async throws {
        let url = "rediss://127.0.0.1:\(try RedisServer.shared.get().port)"
        var configuration = Self.configuration(self.server)
        configuration.commandTimeout = .milliseconds(400)
        configuration.connectTimeout = .milliseconds(100)
        let storage = try Storage(.redis(url, configuration))
        let error = await #expect(throws: StorageError.self) { try await storage.getItem("k", as: Int.self) }
        #expect(error?.code == .unavailable)
        #expect(error?.message.contains("TLS") == true)
        try await storage.dispose()
    }

    @Test("a connection that is cut in the middle of a record is made again; bytes may come one by one")
    func cut() async throws {
        for limit in stride(from: 0, through: 6000, by: 251) {
            let proxy = try FaultyProxy(to: self.server.port, [.cut(after: limit)])
            let url = "rediss://127.0.0.1:\(proxy.port)"
            let storage = try Storage(.redis(url, Self.configuration(self.server)))
            let value = String(repeating: "v", count: 3000)
            do throws(StorageError) {
                try await storage.setItem("cut:\(limit)", value)
                #expect(try await storage.getItem("cut:\(limit)") == value)
            } catch {
                #expect(error.code == .connectionLost)
            }
            try await storage.dispose()
        }
        let proxy = try FaultyProxy(to: self.server.port, [.dribble])
        let storage = try Storage(.redis("rediss://127.0.0.1:\(proxy.port)", Self.configuration(self.server)))
        try await storage.setItem("dribble", "text")
        #expect(try await storage.getItem("dribble") == "text")
        try await storage.clear()
        try await storage.dispose()
    }

    @Test("connections work until the process is over, and one that nobody closed does not harm its end")
    func exit() async throws {
        // Without a file of the driver's, the system's trusted certificates are those that OpenSSL is told of here.
        let trust = "SSL_CERT_FILE=\(self.server.certificate)"
        let path = try ChildProcess.path(ofProduct: "StorageProcess")
        let process = try ChildProcess("/usr/bin/env", [trust, path, "leave", self.server.url])
        #expect(await process.lines() == ["behind"])
        #expect(await process.status() == 0)
    }

    @Test("options that can't be honoured throw when the driver is made")
    func validation() throws {
        let missing = Self.configuration(self.server) { $0.certificateAuthorityFile = "/nowhere.pem" }
        let nameless = Self.configuration(self.server) { $0.serverName = "" }
        let secure = Self.configuration(self.server)
        let configurations = [
            ("rediss://host", missing), ("rediss-cluster://host", missing), ("rediss://host", nameless),
            ("redis://host", secure), ("redis-cluster://host", secure), ("unix:///path", secure),
        ]
        for (url, configuration) in configurations {
            let error = #expect(throws: StorageError.self) { try RedisDriver.redis(url, configuration) }
            #expect(error?.code == .invalidOption)
        }
    }
}

/// A server that speaks TLS, with a certificate of its own making for localhost.
final class RedisTLSServer: Sendable {
    let port: Int
    let certificate: String
    let server: RedisServer
    private let folder: TemporaryFolder

    var url: String { "rediss://127.0.0.1:\(self.port)" }

    /// - Parameters:
    ///   - names: What the certificate is for, as OpenSSL's `subjectAltName`.
    ///   - arguments: Further ones for the server.
    init(names: String = "DNS:localhost,IP:127.0.0.1", _ arguments: [String] = []) throws {
        let folder = try TemporaryFolder()
        let openssl = try ChildProcess(
            "/usr/bin/openssl",
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                "-subj", "/CN=localhost", "-addext", "subjectAltName=\(names)",
                "-keyout", folder.file("key.pem"), "-out", folder.file("certificate.pem"),
            ],
            error: .none
        )
        guard openssl.wait() == 0 else { throw RedisServer.Failure(description: "openssl makes no certificate") }
        self.folder = folder
        self.certificate = folder.file("certificate.pem")
        self.port = try LoopbackSocket.freePort()
        self.server = try RedisServer(
            ["--notify-keyspace-events", "Kg$xe"] + Self.arguments(folder, port: self.port) + arguments)
    }

    /// What has another server speak TLS on a port, with this one's certificate.
    func arguments(port: Int) -> [String] { Self.arguments(self.folder, port: port) }

    private static func arguments(_ folder: TemporaryFolder, port: Int) -> [String] {
        let certificate = folder.file("certificate.pem")
        return [
            "--tls-port", "\(port)", "--tls-auth-clients", "no", "--tls-cert-file", certificate,
            "--tls-key-file", folder.file("key.pem"), "--tls-ca-cert-file", certificate,
        ]
    }
}

#else

@Suite("Redis without the trait for TLS")
struct RedisWithoutTLSTests {
    @Test("rediss:// and rediss-cluster:// name the trait", arguments: ["rediss://host", "rediss-cluster://one,two"])
    func refused(_ url: String) {
        let error = #expect(throws: StorageError.self) { try RedisDriver.redis(url) }
        #expect(error?.code == .notSupported)
        #expect(error?.message.contains("RedisTLSSupport") == true)
    }
}

#endif
