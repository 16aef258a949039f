import KVStorage
import Testing

@testable import KVStorageRedis

/// Which commands their callers write themselves, and what becomes of them.
@Suite("Redis connection state, written by callers")
struct RedisDirectOutputTests {
    private typealias Output = ConnectionState<Int>.DirectOutput

    /// A connection that is there, whose thread sleeps.
    private func bench() -> ConnectionBench {
        let bench = ConnectionBench(.init(silence: .seconds(5), writesDirectly: true))
        #expect(bench.add(0, "first") == nil)
        bench.connect()
        #expect(bench.output() == "first")
        #expect(bench.receive([.ok]))
        // It sleeps for once as long as a command may take, so that lone commands need not wake it for their deadlines.
        #expect(bench.plan(0).wakeAt == ConnectionBench.time(5000))
        return bench
    }

    @Test("a lone command is written by its caller, and the thread sleeps on; the next is the thread's")
    func lone() throws {
        let bench = self.bench()
        let direct = try #require(bench.addDirect(1, "a", now: 1, until: 5001))
        #expect(String(decoding: direct.bytes, as: UTF8.self) == "a")
        #expect(bench.state.isAsleep)
        #expect(bench.addDirect(2, "b", now: 1, until: 5001) == nil)
        #expect(!bench.state.isAsleep)
        #expect(bench.plan(1).output == nil, "not while the caller writes")
        #expect(bench.callerWrote(1, of: direct), "there is more to write now")
        #expect(bench.output(1) == "b")
        #expect(bench.receive([.integer(1), .integer(2)]))
        #expect(bench.reply(1) == .integer(1) && bench.reply(2) == .integer(2))
    }

    @Test("after several that went together the next goes to the thread, and one that went alone makes the next lone")
    func several() throws {
        let bench = self.bench()
        let direct = try #require(bench.addDirect(1, "a", now: 1, until: 5001))
        _ = bench.add(2, "b")
        _ = bench.add(3, "c")
        _ = bench.callerWrote(1, of: direct)
        #expect(bench.output(1) == "bc")
        #expect(bench.receive([.ok, .ok, .ok]))
        #expect(bench.plan(1).output == nil)
        #expect(bench.addDirect(4, "d", now: 1, until: 5001) == nil)
        #expect(bench.output(1) == "d")
        #expect(bench.receive([.ok]))
        #expect(bench.plan(2).output == nil)
        _ = try #require(bench.addDirect(5, "e", now: 2, until: 5002))
    }

    @Test("what the socket does not take at once is written by the thread, before anything else")
    func leftover() throws {
        let bench = self.bench()
        let direct = try #require(bench.addDirect(1, "abc", now: 1, until: 5001))
        _ = bench.addDirect(2, "d", now: 1, until: 5001)
        _ = bench.plan(1)
        #expect(bench.callerWrote(2, of: direct))
        let output = try #require(bench.plan(1).output)
        #expect(output.bytes == Array("abc".utf8) && output.written == 2)
        #expect(bench.output(1) == "d")
    }

    @Test("a command with less time than the thread sleeps wakes it")
    func early() throws {
        let bench = self.bench()
        _ = try #require(bench.addDirect(1, "a", now: 1, until: 100))
        #expect(!bench.state.isAsleep)
        #expect(bench.plan(1).wakeAt == ConnectionBench.time(100))
        _ = bench.plan(100)
        #expect(bench.code(1) == .timeout)
    }

    @Test("the thread sleeps without end once nothing comes, and is woken by the next lone command")
    func idle() throws {
        let bench = self.bench()
        #expect(bench.plan(5000).wakeAt == .distantFuture)
        _ = try #require(bench.addDirect(1, "a", now: 6000, until: 11_000))
        #expect(!bench.state.isAsleep)
        #expect(bench.plan(6000).wakeAt == ConnectionBench.time(11_000))
    }

    @Test("when the connection is lost while a caller writes, its command may have run; its word comes too late")
    func lost() throws {
        let bench = self.bench()
        let direct = try #require(bench.addDirect(1, "w", now: 1, until: 5001))
        bench.lose()
        #expect(bench.code(1) == .connectionLost)
        _ = bench.add(2, "r", reads: true)
        bench.connect(1)
        #expect(!bench.callerWrote(0, of: direct), "it was for the connection before")
        #expect(bench.output(1) == "r")
    }

    @Test("a write whose last bytes are still to be written when the connection is lost goes out again")
    func lostLeftover() throws {
        let bench = self.bench()
        let direct = try #require(bench.addDirect(1, "write", now: 1, until: 5001))
        _ = bench.callerWrote(3, of: direct)
        bench.lose()
        #expect(bench.told[1] == nil)
        bench.connect(1)
        #expect(bench.output(1) == "write")
    }

    @Test("nobody writes past the thread where it may not, is busy, or there is no connection")
    func never() {
        let other = ConnectionBench()
        #expect(other.addDirect(1, "a", now: 0, until: 100) == nil)
        other.connect()
        #expect(other.output() == "a")
        let bench = ConnectionBench(.init(writesDirectly: true))
        #expect(bench.addDirect(1, "a", now: 0, until: 100) == nil)
        bench.connect()
        #expect(bench.addDirect(2, "b", now: 0, until: 100) == nil)
        #expect(bench.output() == "ab")
        #expect(bench.addDirect(3, "c", now: 0, until: 100) == nil, "replies are owed")
    }
}
