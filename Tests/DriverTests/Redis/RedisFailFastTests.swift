import KVStorage
import Testing

@testable import KVStorageRedis

/// What a connection does whose commands may go elsewhere.
@Suite("Redis connection state, of a node")
struct RedisFailFastTests {
    private func isUnsent(_ bench: ConnectionBench, _ waiter: Int) -> Bool {
        guard case .failure(let error) = bench.told[waiter] else { return false }
        return error.underlying is Unsent
    }

    @Test("what waits for a connection that fails can go elsewhere at once")
    func connecting() {
        let bench = ConnectionBench(.init(failsFast: true))
        _ = bench.add(1, "w")
        _ = bench.add(2, "r", reads: true)
        #expect(bench.plan(0).step == .connect)
        bench.failToConnect(StorageError(.unavailable, "refused"), isFinal: false, retryAt: 100)
        #expect(bench.order == [1, 2])
        #expect(self.isUnsent(bench, 1) && self.isUnsent(bench, 2))
        #expect(bench.plan(0).step == .none, "nothing is left to connect for")
        _ = bench.add(3, "w")
        #expect(bench.plan(100).step == .connect)
        bench.failToConnect(StorageError(.permissionDenied, "no"), isFinal: true, retryAt: 200)
        #expect(bench.code(3) == .permissionDenied && !self.isUnsent(bench, 3), "no other node would do better")
    }

    @Test("when it is lost, reads and what was not sent can go elsewhere, writes that may have run fail")
    func lost() {
        let bench = ConnectionBench(.init(failsFast: true))
        _ = bench.add(1, "w1")
        _ = bench.add(2, "r2", reads: true)
        _ = bench.add(3, "w3")
        bench.connect()
        #expect(bench.output() == "w1r2w3")
        _ = bench.add(4, "w4")
        bench.lose(written: 5)
        #expect(bench.code(1) == .connectionLost && !self.isUnsent(bench, 1))
        for waiter in 2...4 {
            #expect(self.isUnsent(bench, waiter) && bench.code(waiter) == .unavailable)
        }
        _ = bench.add(5, "w5")
        bench.connect()
        #expect(bench.output() == "w5")
        #expect(bench.receive([.ok]))
        #expect(bench.reply(5) == .ok)
    }

    @Test("a command with less time than those before it keeps to its own")
    func deadlines() {
        let bench = ConnectionBench(.init(silence: .seconds(60)))
        _ = bench.add(1, "a", until: 1000)
        _ = bench.add(2, "b", until: 200)
        _ = bench.add(3, "c", until: 1000)
        bench.connect()
        #expect(bench.output() == "abc")
        #expect(bench.plan(100).wakeAt == ConnectionBench.time(200))
        _ = bench.plan(200)
        #expect(bench.order == [2] && bench.code(2) == .timeout)
        #expect(bench.receive([.integer(1), .integer(2), .integer(3)], 300))
        #expect(bench.reply(1) == .integer(1) && bench.reply(3) == .integer(3))
    }

    @Test("all replies are given where they are asked for, anew after the connection was lost")
    func collecting() {
        let bench = ConnectionBench()
        let error = Reply.error(RedisServerError("MOVED 1 a:1".utf8))
        bench.addCollecting(1, "abc", replies: 3)
        bench.connect()
        _ = bench.output()
        #expect(bench.receive([.ok]))
        bench.lose()
        bench.connect()
        #expect(bench.output() == "abc")
        #expect(bench.receive([.integer(1), error, .integer(3)]))
        #expect(bench.reply(1) == .array([.integer(1), error, .integer(3)]))
    }
}
