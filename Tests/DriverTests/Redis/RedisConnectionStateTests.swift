import KVStorage
import Testing

@testable import KVStorageRedis

/// The state of a connection, without one. Waiters are numbers, commands are words.
@Suite("Redis connection state")
struct RedisConnectionStateTests {
    @Test("connects when there is a command, sends what gathered at once, and gives each its reply in order")
    func order() {
        let bench = ConnectionBench()
        #expect(bench.plan(0).step == .none)
        #expect(bench.state.isAsleep)
        #expect(bench.add(1, "a") == nil)
        #expect(!bench.state.isAsleep)
        bench.connect()
        _ = bench.add(2, "b", reads: true)
        _ = bench.add(3, "c")
        #expect(bench.output() == "abc")
        _ = bench.add(4, "d")
        #expect(bench.plan(0, canWrite: false).output == nil)
        #expect(bench.output() == "d")
        #expect(bench.receive([.integer(1), .integer(2)]))
        #expect(bench.order == [1, 2])
        #expect(bench.receive([.integer(3), .integer(4)]))
        #expect((1...4).map(bench.reply) == [.integer(1), .integer(2), .integer(3), .integer(4)])
        #expect(bench.state.chunks.isEmpty && bench.state.chunkBytes == 0)
        #expect(!bench.receive([.ok]), "nobody asked")
    }

    @Test("of several replies the last counts, or the first error")
    func severalReplies() {
        let bench = ConnectionBench()
        _ = bench.add(1, "a", replies: 3)
        _ = bench.add(2, "b", replies: 3)
        bench.connect()
        _ = bench.output()
        let error = RedisServerError("OOM".utf8)
        #expect(bench.receive([.ok, .ok, .integer(7), .error(error), .error(RedisServerError("EXECABORT".utf8))]))
        #expect(bench.reply(1) == .integer(7))
        #expect(bench.told[2] == nil)
        #expect(bench.receive([.null]))
        #expect(bench.reply(2) == .error(error))
    }

    @Test("a cancelled command that was not sent never is")
    func cancelledUnsent() {
        let bench = ConnectionBench()
        for waiter in 1...4 { _ = bench.add(waiter, "\(waiter)") }
        #expect(bench.cancel(2))
        #expect(!bench.cancel(2))
        bench.connect()
        #expect(bench.output() == "134")
        #expect(bench.receive([.integer(1), .integer(3), .integer(4)]))
        #expect(bench.reply(1) == .integer(1) && bench.reply(3) == .integer(3) && bench.reply(4) == .integer(4))
        #expect(bench.told[2] == nil)
    }

    @Test("a cancelled read that was sent is let go at once, a write is not, and replies stay with their commands")
    func cancelledSent() {
        let bench = ConnectionBench()
        _ = bench.add(1, "r", reads: true)
        _ = bench.add(2, "w")
        _ = bench.add(3, "r", reads: true)
        bench.connect()
        _ = bench.output()
        #expect(bench.cancel(1))
        #expect(!bench.cancel(2))
        #expect(bench.receive([.integer(1), .integer(2), .integer(3)]))
        #expect(bench.told[1] == nil)
        #expect(bench.reply(2) == .integer(2) && bench.reply(3) == .integer(3))
        #expect(!bench.cancel(3), "it is over")
    }

    @Test("cancelling thousands that wait leaves the others in order")
    func cancelledMany() {
        let bench = ConnectionBench()
        for waiter in 0..<5000 { _ = bench.add(waiter, "<\(waiter)>") }
        for waiter in 0..<5000 where !waiter.isMultiple(of: 100) { #expect(bench.cancel(waiter)) }
        bench.connect()
        #expect(bench.output() == stride(from: 0, to: 5000, by: 100).map { "<\($0)>" }.joined())
        #expect(bench.state.handedOver == 50)
    }

    @Test(
        "when the connection is lost, reads and what was not sent in full go out again, writes that may have run fail")
    func lost() {
        let bench = ConnectionBench()
        _ = bench.add(1, "w1")
        _ = bench.add(2, "r2", reads: true)
        _ = bench.add(3, "w3")
        _ = bench.add(4, "w4")
        bench.connect()
        #expect(bench.output() == "w1r2w3w4")
        _ = bench.add(5, "w5")
        // One byte of w4 is missing.
        bench.lose(written: 7, retryAt: 100)
        #expect(bench.order == [1, 3])
        #expect(bench.code(1) == .connectionLost && bench.code(3) == .connectionLost)
        #expect(bench.plan(50).step == .none)
        #expect(bench.plan(50).wakeAt == ConnectionBench.time(100))
        #expect(bench.plan(100).step == .connect)
        bench.state.connected()
        // What was being written may have broken it, so it goes behind the others, and alone.
        #expect(bench.output(100) == "r2w5")
        #expect(bench.plan(100).output == nil)
        #expect(bench.receive([.integer(2), .integer(5)], 100))
        #expect(bench.output(100) == "w4")
        #expect(bench.receive([.integer(4)], 100))
        #expect(bench.reply(2) == .integer(2) && bench.reply(4) == .integer(4) && bench.reply(5) == .integer(5))
    }

    @Test("what is lost twice goes alone, and half of its replies are forgotten")
    func lostTwice() {
        let bench = ConnectionBench()
        _ = bench.add(1, "r1", replies: 2, reads: true)
        _ = bench.add(2, "r2", reads: true)
        bench.connect()
        _ = bench.output()
        #expect(bench.receive([.integer(0)]))
        bench.lose()
        bench.connect()
        #expect(bench.output() == "r2")
        #expect(bench.receive([.integer(2)]))
        _ = bench.add(3, "w3")
        #expect(bench.output() == "r1")
        #expect(bench.receive([.integer(0)]))
        bench.lose()
        bench.connect()
        #expect(bench.output() == "w3")
        #expect(bench.receive([.integer(3)]))
        #expect(bench.output() == "r1")
        #expect(bench.receive([.integer(0), .integer(1)]))
        #expect((1...3).map(bench.reply) == [.integer(1), .integer(2), .integer(3)])
    }

    @Test("after nonsense from the server reads fail as well; a cancelled write that was not sent is told so")
    func lostForGood() {
        let bench = ConnectionBench()
        _ = bench.add(1, "r", reads: true)
        _ = bench.add(2, "ww")
        bench.connect()
        _ = bench.output()
        #expect(!bench.cancel(2))
        bench.lose(written: 2, repeatsReads: false)
        #expect(bench.code(1) == .connectionLost)
        #expect(bench.code(2) == .cancelled)
        #expect(bench.plan(0).step == .none, "nothing is left to connect for")
    }

    @Test("deadlines: unsent commands tell why, sent ones that they may have run; late replies go to nobody")
    func deadlines() {
        let bench = ConnectionBench(.init(silence: .seconds(60)))
        _ = bench.add(1, "a", until: 100)
        _ = bench.plan(0)
        bench.failToConnect(StorageError(.unavailable, "refused"), isFinal: false, retryAt: 1000)
        #expect(bench.plan(99).wakeAt == ConnectionBench.time(100))
        #expect(bench.plan(100).step == .none)
        #expect(bench.code(1) == .unavailable)
        _ = bench.add(2, "b", until: 2000)
        bench.connect(1000)
        #expect(bench.output(1000) == "b")
        _ = bench.add(3, "c", until: 2100)
        #expect(bench.plan(2000, canWrite: false).wakeAt == ConnectionBench.time(2100))
        #expect(bench.code(2) == .timeout)
        _ = bench.plan(2100, canWrite: false)
        #expect(bench.code(3) == .unavailable)
        _ = bench.add(4, "d", until: 3000)
        #expect(bench.output(2200) == "d")
        #expect(bench.receive([.integer(2), .integer(4)], 2300))
        #expect(bench.reply(4) == .integer(4))
    }

    @Test("a server that owes a reply and is silent for long counts as dead")
    func silence() {
        let bench = ConnectionBench(.init(silence: .milliseconds(500)))
        _ = bench.add(1, "r", reads: true, until: 10_000)
        bench.connect()
        _ = bench.output(0)
        _ = bench.add(2, "r", reads: true, until: 10_000)
        _ = bench.output(300)
        #expect(bench.receive([.ok], 400))
        #expect(bench.plan(899).step == .none)
        #expect(bench.plan(900).step == .disconnect)
        bench.lose()
        bench.connect(900)
        #expect(bench.output(900) == "r")
        #expect(bench.receive([.ok], 901))
        #expect(bench.plan(5000).step == .none, "nothing is owed")
    }

    @Test("too many commands or bytes are refused, and room is made by replies and cancelling")
    func overload() {
        let bench = ConnectionBench(.init(commands: 3, bytes: 100))
        for waiter in 1...3 { #expect(bench.add(waiter, "x") == nil) }
        #expect(bench.add(4, "x")?.code == .overloaded)
        #expect(bench.cancel(2))
        #expect(bench.add(5, String(repeating: "y", count: 200)) == nil, "the bound is for what waits already")
        bench.connect()
        _ = bench.output()
        #expect(bench.receive([.ok, .ok]))
        #expect(bench.add(6, "x")?.code == .overloaded, "200 bytes await their reply")
        #expect(bench.receive([.ok]))
        #expect(bench.add(7, "x") == nil)
    }

    @Test("a failure for good ends what waits; the next command tries again, not before its time")
    func finalFailure() {
        let bench = ConnectionBench()
        _ = bench.add(1, "a")
        _ = bench.add(2, "b")
        _ = bench.plan(0)
        bench.failToConnect(StorageError(.permissionDenied, "no"), isFinal: true, retryAt: 50)
        #expect(bench.order == [1, 2])
        #expect(bench.code(1) == .permissionDenied)
        #expect(bench.plan(60).step == .none)
        _ = bench.add(3, "c")
        #expect(bench.plan(40).step == .none)
        bench.connect(60)
        #expect(bench.output(60) == "c")
    }

    @Test("closing refuses what comes, finishes what was accepted, and ends")
    func closing() {
        let bench = ConnectionBench()
        _ = bench.add(1, "a")
        bench.state.close()
        #expect(bench.add(2, "b")?.code == .closed)
        bench.connect()
        #expect(bench.output() == "a")
        #expect(bench.plan(0).step == .none)
        #expect(bench.receive([.ok]))
        #expect(bench.plan(0).step == .finish)
        #expect(bench.state.phase == .closed)
    }

    @Test("closing waits no longer than deadlines for a server that is away, and not for reads that nobody awaits")
    func closingWithoutServer() {
        let bench = ConnectionBench()
        _ = bench.add(1, "a", until: 100)
        _ = bench.plan(0)
        bench.failToConnect(StorageError(.unavailable, "refused"), isFinal: false, retryAt: 1000)
        bench.state.close()
        #expect(bench.plan(99).step == .none)
        #expect(bench.plan(100).step == .finish)
        #expect(bench.code(1) == .unavailable)
        let other = ConnectionBench()
        _ = other.add(1, "r", reads: true)
        other.connect()
        _ = other.output()
        #expect(other.cancel(1))
        other.state.close()
        #expect(other.plan(0).step == .finish)
    }
}
