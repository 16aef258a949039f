import KVStorage
import Testing

@testable import KVStorageRedis

@Suite("Redis connecting", .timeLimit(.minutes(5)))
struct RedisConnectingTests {
    /// The addresses of 127.0.0.1 with these ports.
    static func addresses(_ ports: [Int]) -> Resolution.Outcome {
        .success(
            ports.flatMap { port in
                (try? RedisPlatform.addresses(ofHost: "127.0.0.1", port: port, digitsOnly: true).get()) ?? []
            })
    }

    private func get(_ client: ServerClient, _ key: String) async throws -> Reply {
        try await client.send(key, .one, isRepeatable: true) { writer in
            writer.begin(2)
            writer.word("GET")
            writer.word(key)
        }
    }

    @Test("an address that swallows packets leaves time for the next, and is tried last the next time")
    func swallowing() async throws {
        // The queue of a listener that accepts nothing is filled; the system then drops what comes.
        let (listener, port) = try LoopbackSocket.listen(backlog: 0)
        var sockets: [Int32] = [listener]
        defer { for socket in sockets { RedisPlatform.close(socket) } }
        let address = try #require(Self.addresses([port]).get().first)
        while sockets.count < 64 {
            let socket = try RedisPlatform.beginConnecting(to: address).get()
            sockets.append(socket)
            let (_, isReady) = RedisPlatform.wait(
                wakeup: -1, socket: .init(descriptor: socket, reads: false, writes: true), milliseconds: 100)
            if !isReady { break }
        }
        let server = try RedisServer()
        let attempts = Counter()
        var options = Connection.Options(endpoint: .host("db.test", port: 1))
        options.connectTimeout = .seconds(1)
        options.commandTimeout = .seconds(20)
        options.lookUp = { _, _ in
            attempts.add()
            return Self.addresses([port, server.port])
        }
        let client = try ServerClient(options, connections: 1)
        #expect(try await self.get(client, "k") == .null)
        #expect(attempts.now == 1, "the first attempt has come to the second address")
        await client.close()
    }

    @Test("so does one that accepts and says nothing")
    func silent() async throws {
        let (listener, port) = try LoopbackSocket.listen()
        defer { RedisPlatform.close(listener) }
        let server = try RedisServer()
        let attempts = Counter()
        var options = Connection.Options(endpoint: .host("db.test", port: 1))
        options.connectTimeout = .seconds(1)
        options.commandTimeout = .seconds(20)
        options.lookUp = { _, _ in
            attempts.add()
            return Self.addresses([port, server.port])
        }
        let client = try ServerClient(options, connections: 1)
        #expect(try await self.get(client, "k") == .null)
        #expect(attempts.now == 1)
        await client.close()
    }

    @Test("each address has its share of the time that is left, and one that failed comes last")
    func order() {
        var order = AddressOrder<Int>()
        func time(_ milliseconds: Int64) -> Instant { ConnectionBench.time(milliseconds) }
        func expect(_ found: [Instant]?, _ address: Int64, _ until: Int64) {
            let milliseconds = found?.map { $0.nanoseconds / 1_000_000 }
            #expect(milliseconds == [address, until])
        }
        func next(_ now: Int64) -> [Instant]? {
            order.next(time(now)).map { [time(Int64($0.address)), $0.until] }
        }
        order.begin([1, 2, 3], until: time(900))
        expect(next(0), 1, 300)
        order.avoidCurrent()
        expect(next(100), 2, 500)
        order.avoidCurrent()
        expect(next(500), 3, 900)
        order.prefersCurrent()
        let none = next(600)
        #expect(none == nil)
        order.begin([1, 2, 3, 4], until: time(1000))
        expect(next(0), 3, 250)
        expect(next(0), 4, 333)
        expect(next(0), 1, 500)
        expect(next(0), 2, 1000)
        order.prefersCurrent()
        order.begin([5, 1, 2], until: time(300))
        expect(next(0), 5, 100)
        expect(next(0), 2, 150)
        expect(next(0), 1, 300)
        order.begin([1], until: time(5))
        // Late, but tried.
        expect(next(10), 1, 5)
    }

    @Test("a system without threads fails each call, and none is forgotten")
    func noThread() async throws {
        var options = Connection.Options(endpoint: .host("127.0.0.1", port: 1))
        options.startThread = { _ in false }
        let connection = try Connection(options)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<16 {
                group.addTask {
                    for _ in 0..<2000 {
                        let error = await #expect(throws: StorageError.self) {
                            try await connection.send(isRepeatable: true) { $0.encoded("*1\r\n$4\r\nPING\r\n") }
                        }
                        guard error?.code == .unavailable else {
                            Issue.record("\(error as Any)")
                            return
                        }
                    }
                }
            }
        }
        await connection.close()
    }

    @Test("a socket is not inherited and does not block")
    func flags() throws {
        let server = try RedisServer.shared.get()
        let address = try #require(Self.addresses([server.port]).get().first)
        let socket = try RedisPlatform.beginConnecting(to: address).get()
        defer { RedisPlatform.close(socket) }
        #expect(LoopbackSocket.flags(of: socket) == (true, true))
    }
}

/// A connection that is to end after the replies that it owes.
@Suite("Redis connection state, retiring")
struct RedisRetiringTests {
    private let reason = StorageError(.readOnly, "demoted")

    @Test("what was handed over gets its replies, what waits goes to the next connection")
    func drains() {
        let bench = ConnectionBench(.init(silence: .seconds(60)))
        _ = bench.add(1, "w1")
        bench.connect()
        #expect(bench.output() == "w1")
        _ = bench.state.retire(self.reason, ConnectionBench.time(1))
        _ = bench.add(2, "w2")
        let plan = bench.plan(2)
        #expect(plan.output == nil && plan.step == .none)
        #expect(bench.receive([.integer(1)], 3))
        #expect(bench.plan(3).step == .disconnect)
        #expect(bench.state.disconnectError.code == .readOnly)
        bench.lose()
        bench.connect(4)
        #expect(bench.output(4) == "w2")
        #expect(bench.receive([.integer(2)], 5))
        #expect(bench.reply(1) == .integer(1) && bench.reply(2) == .integer(2))
    }

    @Test("a server that does not answer any more is left when it is silent")
    func silent() {
        let bench = ConnectionBench(.init(silence: .milliseconds(50)))
        _ = bench.add(1, "w1")
        bench.connect()
        _ = bench.output()
        _ = bench.state.retire(self.reason, ConnectionBench.time(1))
        #expect(bench.plan(51).step == .disconnect)
        #expect(bench.state.disconnectError.code == .timeout)
    }

    @Test("it happens more and more seldom, and anew after a quiet time")
    func seldom() {
        let bench = ConnectionBench()
        var retired: [Int64] = []
        for now in stride(from: Int64(0), through: 10_000, by: 10) {
            if bench.state.phase == .idle { bench.state.connected() }
            _ = bench.state.retire(self.reason, ConnectionBench.time(now))
            guard bench.plan(now).step == .disconnect else { continue }
            retired.append(now)
            bench.lose()
        }
        #expect(retired == [0, 100, 300, 700, 1500, 3100, 5100, 7100, 9100])
        bench.state.connected()
        _ = bench.state.retire(self.reason, ConnectionBench.time(30_000))
        #expect(bench.state.isRetired)
        bench.lose()
        bench.state.connected()
        _ = bench.state.retire(self.reason, ConnectionBench.time(30_100))
        #expect(bench.state.isRetired)
    }

    @Test("nobody writes to it directly")
    func direct() {
        let bench = ConnectionBench(.init(writesDirectly: true))
        _ = bench.add(1, "w1")
        bench.connect()
        _ = bench.output()
        #expect(bench.receive([.ok]))
        _ = bench.plan(1)
        let wakes = bench.state.retire(self.reason, ConnectionBench.time(1))
        #expect(wakes, "the thread sleeps")
        let direct = bench.addDirect(2, "w2", now: 1, until: 500)
        #expect(direct == nil)
    }
}
