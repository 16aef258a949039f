import KVStorage
import Testing

@testable import KVStorageRedis

@Suite("Redis URLs")
struct RedisURLTests {
    @Test("name host, port, database, user and password")
    func parts() throws {
        var url = try URL("redis://localhost")
        #expect(url.endpoints == [.host("localhost", port: 6379)])
        #expect(url.username == nil && url.password == nil && url.database == nil)
        url = try URL("redis://ada:s%40cret%3A@db.example:7000/12")
        #expect(url.endpoints == [.host("db.example", port: 7000)])
        #expect(url.username == "ada")
        #expect(url.password == "s@cret:")
        #expect(url.database == 12)
        url = try URL("REDIS://:pa:ss@[::1]:7001/")
        #expect(url.endpoints == [.host("::1", port: 7001)])
        #expect(url.username == nil)
        #expect(url.password == "pa:ss")
        #expect(try URL("rediss://one:1").isEncrypted && !URL("redis://one:1").isEncrypted)
        #expect(try URL("redis://[fe80::1]").endpoints == [.host("fe80::1", port: 6379)])
    }

    @Test("name a unix socket")
    func socket() throws {
        #expect(try URL("unix:///run/redis.sock").endpoints == [.path("/run/redis.sock")])
        let url = try URL("unix://ada:secret@/run/my%20redis.sock?db=3")
        #expect(url.endpoints == [.path("/run/my redis.sock")])
        #expect(url.username == "ada" && url.password == "secret" && url.database == 3)
    }

    @Test("name some nodes of a cluster")
    func cluster() throws {
        let url = try URL("redis-cluster://ada:secret@one,two:7001,[::1]:7002")
        #expect(url.isCluster)
        #expect(url.endpoints == [.host("one", port: 6379), .host("two", port: 7001), .host("::1", port: 7002)])
        #expect(url.username == "ada" && url.password == "secret")
        #expect(try !URL("redis://one").isCluster && !url.isEncrypted)
        let encrypted = try URL("rediss-cluster://:secret@one:7001,two")
        #expect(encrypted.isCluster && encrypted.isEncrypted)
        #expect(encrypted.endpoints == [.host("one", port: 7001), .host("two", port: 6379)])
        #expect(encrypted.password == "secret")
    }

    @Test("name sentinels and the service that they watch over")
    func sentinels() throws {
        let url = try URL("redis-sentinel://ada:secret@one,two:7001,[::1]:7002/my%2Fmaster/3")
        #expect(url.service == "my/master" && url.database == 3 && !url.isCluster && !url.isEncrypted)
        #expect(url.endpoints == [.host("one", port: 26_379), .host("two", port: 7001), .host("::1", port: 7002)])
        #expect(url.username == "ada" && url.password == "secret")
        let encrypted = try URL("rediss-sentinel://one/main")
        #expect(encrypted.service == "main" && encrypted.isEncrypted && encrypted.database == nil)
        #expect(try URL("redis://one").service == nil)
    }

    @Test(
        "that can't be honoured throw, without repeating a secret",
        arguments: [
            "", "localhost", "redis:localhost", "http://secret@host", "redis://", "redis://:6379", "redis://host:0",
            "redis://host:65536", "redis://host:x", "redis://host:", "redis://host/x", "redis://host/1/2",
            "redis://host?db=1",
            "redis://host/1?secret=1", "redis://secret@host", "redis://user:@host", "redis://user:%zz@host",
            "redis://::1", "redis://one,two", "redis-cluster://one,", "redis-cluster://", "rediss-cluster://one,",
            "rediss://one,two",
            "redis-cluster://one,two?db=1", "redis-sentinel://one", "redis-sentinel://one/", "redis-sentinel:///main",
            "redis-sentinel://one,/main", "redis-sentinel://one/main/x", "redis-sentinel://one/my%20main",
            "redis-sentinel://secret@one/main", "redis-sentinel://one/main?db=1",
            "redis://[::1", "redis://[::1]x", "redis://host#secret", "redis://ho st", "unix://", "unix://host/path",
            "unix:///path?db=x", "unix:///path?secret=1", "redis://user:%ff@host",
        ]
    )
    func refused(_ text: String) {
        let error = #expect(throws: StorageError.self) { try URL(text) }
        #expect(error?.code == .invalidOption)
        #expect(error?.description.contains("secret") == false)
    }

    @Test("go with a configuration that goes before them")
    func configuration() throws {
        var configuration = RedisDriver.Configuration()
        let url = try URL("redis://ada:secret@host/2")
        var options = configuration.options(for: url)
        #expect(options.username == "ada" && options.password == "secret" && options.database == 2)
        configuration.username = "grace"
        configuration.password = "other"
        configuration.database = 0
        options = configuration.options(for: url)
        #expect(options.username == "grace" && options.password == "other" && options.database == 0)
    }

    @Test("and configurations that can't be honoured throw when the driver is made")
    func validation() throws {
        let changes: [(inout RedisDriver.Configuration) -> Void] = [
            { $0.connections = 0 }, { $0.connectTimeout = .zero }, { $0.commandTimeout = .seconds(-1) },
            { $0.scanCount = 0 },
            { $0.maximumQueuedCommands = 0 }, { $0.maximumQueuedBytes = 0 },
            { $0.database = -1 },
            { $0.clientName = "two words" }, { $0.username = "ada" }, { $0.keepAlive = .zero },
            { $0.reconnectDelay = .zero ... .seconds(1) },
        ]
        for change in changes {
            var configuration = RedisDriver.Configuration()
            change(&configuration)
            let error = #expect(throws: StorageError.self) { try RedisDriver("redis://127.0.0.1", configuration) }
            #expect(error?.code == .invalidOption)
        }
        _ = try Storage(.redis("redis://127.0.0.1"))
    }
}
