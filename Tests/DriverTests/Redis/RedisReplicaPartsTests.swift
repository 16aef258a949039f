import KVStorage
import Testing

@testable import KVStorageRedis

/// What is decided about replicas without any.
@Suite("Redis replicas, without servers")
struct RedisReplicaPartsTests {
    private static let one = Endpoint.host("one", port: 1)
    private static let two = Endpoint.host("two", port: 2)

    private static func time(_ milliseconds: Int64) -> Instant {
        Instant(nanoseconds: milliseconds * 1_000_000)
    }

    private static func handshake(_ change: (inout Connection.Options) -> Void = { _ in }) -> Handshake {
        var options = Connection.Options(endpoint: self.one)
        change(&options)
        return Handshake(options)
    }

    @Test("a connection to a replica says READONLY before anything else is sent, others do not")
    func words() {
        let readOnly = "*1\r\n$8\r\nREADONLY\r\n"
        let plain = String(decoding: Self.handshake().bytes, as: UTF8.self)
        #expect(!plain.contains("READONLY"))
        let handshake = Self.handshake {
            $0.password = "secret"
            $0.clientName = "me"
            $0.readsReplica = true
        }
        let name = "*3\r\n$6\r\nCLIENT\r\n$7\r\nSETNAME\r\n$2\r\nme\r\n"
        #expect(
            String(decoding: handshake.bytes, as: UTF8.self)
                == "*2\r\n$4\r\nAUTH\r\n$6\r\nsecret\r\n" + name + readOnly + "*1\r\n$4\r\nPING\r\n")
    }

    @Test("it is there when all was answered, READONLY too")
    func answers() {
        var handshake = Self.handshake { $0.readsReplica = true }
        guard case .unfinished = handshake.receive(.ok), case .done = handshake.receive(.bytes(Array("PONG".utf8)))
        else {
            Issue.record("the handshake has two answers")
            return
        }
    }

    @Test(
        "a refusal keeps it from being used",
        arguments: [
            ("LOADING Redis is loading the dataset in memory", StorageError.Code.unavailable, false),
            ("MASTERDOWN Link with MASTER is down", .unavailable, false),
            ("NOPERM this user has no permissions to run the 'readonly' command", .permissionDenied, true),
            ("ERR This instance has cluster support disabled", .unavailable, true),
        ]
    )
    func refusals(_ text: String, _ code: StorageError.Code, _ isFinal: Bool) {
        var handshake = Self.handshake { $0.readsReplica = true }
        guard case .failed(let error, let final) = handshake.receive(.error(RedisServerError(text.utf8))) else {
            Issue.record("it was taken for an agreement")
            return
        }
        #expect(error.code == code && final == isFinal)
    }

    @Test("the answer to CLUSTER SLOTS tells each master's replicas, each once")
    func topology() throws {
        func node(_ name: String, _ port: Int64) -> Reply {
            .array([.bytes(Array(name.utf8)), .integer(port), .bytes([])])
        }
        let reply = Reply.array([
            .array([.integer(0), .integer(99), node("m", 1), node("one", 1), node("two", 2)]),
            .array([.integer(100), .integer(199), node("n", 3)]),
            .array([.integer(300), .integer(300), node("m", 1), node("two", 2)]),
        ])
        var topology = try Topology(reply, asked: .host("asked", port: 7000))
        #expect(
            topology.replicas(of: 5) == [Self.one, Self.two] && topology.replicas(of: 300) == [Self.one, Self.two])
        #expect(topology.replicas(of: 150).isEmpty && topology.replicas(of: 250).isEmpty)
        #expect(topology.hasReplica(Self.two) && !topology.hasReplica(.host("m", port: 1)))
        #expect(topology.nodes.count == 4 && topology.masters.count == 2)
        topology.move(5, to: .host("new", port: 4))
        #expect(topology.replicas(of: 5).isEmpty, "the new master's are not known yet")
        #expect(topology.nodes.contains(.host("new", port: 4)))
    }

    @Test("replicas take turns")
    func turns() {
        var turns = ReplicaRoundRobin()
        let chosen = (0..<10).compactMap { _ in turns.next(of: [Self.one, Self.two], Self.time(0)) }
        #expect(chosen.count { $0.endpoint == Self.one } == 5 && chosen.count { $0.endpoint == Self.two } == 5)
        #expect(chosen.allSatisfy { !$0.isTrial })
        #expect(turns.next(of: [], Self.time(0)) == nil)
    }

    @Test("one that failed is passed over, then tried by one read at a time until it serves again")
    func passedOver() {
        var turns = ReplicaRoundRobin()
        turns.fail(Self.one, Self.time(0))
        #expect((0..<4).allSatisfy { _ in turns.next(of: [Self.one, Self.two], Self.time(999))?.endpoint == Self.two })
        #expect(turns.next(of: [Self.one], Self.time(999)) == nil)
        #expect(turns.next(of: [Self.one], Self.time(1000)) == .init(endpoint: Self.one, isTrial: true))
        #expect(turns.next(of: [Self.one], Self.time(1001)) == nil, "the trial is under way")
        #expect(turns.next(of: [Self.one], Self.time(2000))?.isTrial == true, "nothing came of it")
        turns.succeed(Self.one)
        #expect(turns.next(of: [Self.one], Self.time(2001)) == .init(endpoint: Self.one))
        turns.fail(Self.one, Self.time(3000))
        turns.keep { $0 != Self.one }
        #expect(turns.next(of: [Self.one], Self.time(3001)) == .init(endpoint: Self.one), "it came anew")
    }

    @Test("the replicas are asked for once in ten seconds")
    func refreshing() {
        var turns = ReplicaRoundRobin()
        let due = [0, 9_999, 10_000, 10_001, 19_999, 20_000].map { turns.isRefreshDue(Self.time($0)) }
        #expect(due == [false, false, true, false, false, true])
    }

    @Test("only a cluster has replicas to read, by default they are not")
    func configuration() throws {
        var configuration = RedisDriver.Configuration()
        #expect(configuration.readsFrom == .master)
        #expect(try !RedisDriver.redis("redis-cluster://one", configuration).capabilities.contains(.readsMayBeOld))
        configuration.readsFrom = .replica
        #expect(try RedisDriver.redis("redis-cluster://one", configuration).capabilities.contains(.readsMayBeOld))
        for url in ["redis://one", "unix:///run/redis.sock"] {
            let error = #expect(throws: StorageError.self) { try RedisDriver.redis(url, configuration) }
            #expect(error?.code == .invalidOption)
            #expect(error?.message.contains("redis-cluster://") == true)
        }
    }
}
