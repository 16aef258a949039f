import KVStorage
import Testing

@testable import KVStorageRedis

/// What a connection does about what may have broken it, and when it takes a server for dead.
@Suite("Redis connection state, broken")
struct RedisConnectionLossTests {
    @Test("a read that always breaks the connection takes others' writes along once, and fails after two repetitions")
    func poison() {
        let bench = ConnectionBench()
        _ = bench.add(1, "[poison]", reads: true)
        _ = bench.add(2, "w2")
        _ = bench.add(3, "r3", reads: true)
        bench.connect()
        #expect(bench.output() == "[poison]w2r3")
        _ = bench.add(4, "w4")
        bench.lose()
        #expect(bench.code(2) == .connectionLost)
        bench.connect()
        // The others first; it waits until they have their replies.
        #expect(bench.output() == "r3w4")
        #expect(bench.receive([.integer(3)]))
        #expect(bench.output().isEmpty)
        #expect(bench.receive([.integer(4)]))
        #expect(bench.output() == "[poison]")
        // What comes now waits for its reply, and is not lost with it.
        _ = bench.add(5, "w5")
        #expect(bench.output().isEmpty)
        bench.lose()
        bench.connect()
        #expect(bench.output() == "w5")
        #expect(bench.receive([.integer(5)]))
        #expect(bench.output() == "[poison]")
        _ = bench.add(6, "w6")
        bench.lose()
        #expect(bench.code(1) == .connectionLost)
        bench.connect()
        #expect(bench.output() == "w6")
        #expect(bench.receive([.integer(6)]))
        #expect(bench.reply(3) == .integer(3) && bench.reply(4) == .integer(4))
        #expect(bench.state.loners == 0)
    }

    @Test("a read behind others breaks the connection: they are lost with it twice at most, and go alone then")
    func hiddenPoison() {
        let bench = ConnectionBench()
        for waiter in 1...3 { _ = bench.add(waiter, "r\(waiter)", reads: true) }
        _ = bench.add(4, "[poison]", reads: true)
        bench.connect()
        #expect(bench.output() == "r1r2r3[poison]")
        bench.lose()
        bench.connect()
        #expect(bench.output() == "r2r3[poison]")
        bench.lose()
        bench.connect()
        for waiter in [1, 2, 3] {
            #expect(bench.output() == "r\(waiter)")
            #expect(bench.output().isEmpty)
            #expect(bench.receive([.integer(Int64(waiter))]))
        }
        #expect(bench.output() == "[poison]")
        bench.lose()
        #expect(bench.code(4) == .connectionLost)
        #expect((1...3).map(bench.reply) == [.integer(1), .integer(2), .integer(3)])
        #expect(bench.plan(0).step == .none, "nothing is left to connect for")
    }

    @Test(
        "a write that always breaks the connection before it is there changes nothing, and fails after two repetitions")
    func poisonousWrite() {
        let bench = ConnectionBench()
        _ = bench.add(1, "[too large]")
        bench.connect()
        for _ in 0..<3 {
            #expect(bench.output() == "[too large]")
            bench.lose(written: bench.state.outputStart - 1)
            if bench.told[1] == nil { bench.connect() }
        }
        #expect(bench.code(1) == .unavailable)
        guard case .failure(let error) = bench.told[1] else { return }
        #expect(error.message.contains("nothing was changed"))
    }

    @Test("giving up on what goes alone lets the others go on")
    func cancelled() {
        let bench = ConnectionBench()
        _ = bench.add(1, "r1", reads: true)
        bench.connect()
        _ = bench.output()
        bench.lose()
        _ = bench.add(2, "w2")
        #expect(bench.cancel(1))
        bench.connect()
        #expect(bench.output() == "w2")
        #expect(bench.receive([.integer(2)]))
        #expect(bench.state.loners == 0)
    }

    @Test("a command that was never sent says so, whatever kept it")
    func neverSent() {
        let bench = ConnectionBench(.init(silence: .milliseconds(500)))
        _ = bench.add(1, "w1", until: 1000)
        bench.connect()
        _ = bench.output()
        _ = bench.add(2, "w2", until: 1000)
        #expect(bench.plan(500, canWrite: false).step == .disconnect)
        let silence = bench.state.silenceError
        bench.lose(reason: silence, retryAt: 2000)
        #expect(bench.code(1) == .connectionLost)
        _ = bench.plan(1000)
        guard case .failure(let error) = bench.told[2] else { return #expect(Bool(false)) }
        #expect(error.code == .unavailable)
        #expect(error.message.contains("nothing was changed") && error.message.contains(silence.message))
    }

    @Test("while bytes come or go the server is not silent, however long a reply takes")
    func flowing() {
        let bench = ConnectionBench(.init(silence: .milliseconds(500)))
        _ = bench.add(1, "r", reads: true, until: 100_000)
        bench.connect()
        _ = bench.output(0)
        for now in stride(from: Int64(400), to: 4000, by: 400) {
            #expect(bench.plan(now).step == .none)
            bench.state.flowed(ConnectionBench.time(now))
        }
        #expect(bench.plan(4100).step == .disconnect, "500 after the last")
        bench.lose()
        bench.state.flowed(ConnectionBench.time(5000))
        #expect(bench.state.silentSince == .distantFuture, "nothing is owed")
    }
}
