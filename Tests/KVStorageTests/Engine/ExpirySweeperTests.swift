import KVStorageTesting
import Synchronization
import Testing

@testable import KVStorage

@Suite struct ExpirySweeperTests {
    private let clock = ManualClock(now: Timestamp(milliseconds: 0))

    /// A sweeper that tells of its sweeps, and has the deadlines in `left` still to come.
    private func makeSweeper(
        interval: Duration = .milliseconds(100),
        left: [Int64] = []
    ) -> (sweeper: ExpirySweeper, sweeps: AsyncStream<Timestamp>) {
        let (sweeps, continuation) = AsyncStream.makeStream(of: Timestamp.self)
        let sweeper = ExpirySweeper(clock: self.clock, interval: interval) { now in
            continuation.yield(now)
            return left.first { $0 > now.milliseconds }.map(Timestamp.init(milliseconds:))
        }
        return (sweeper, sweeps)
    }

    @Test func sweepsAtTheDeadline() async {
        let (sweeper, sweeps) = self.makeSweeper()
        sweeper.schedule(Timestamp(milliseconds: 1000))
        self.clock.advance(by: .milliseconds(999))
        self.clock.advance(by: .milliseconds(1))
        var iterator = sweeps.makeAsyncIterator()
        #expect(await iterator.next()?.milliseconds == 1000)
        sweeper.stop()
    }

    @Test func anEarlierDeadlineComesFirst() async {
        let (sweeper, sweeps) = self.makeSweeper(left: [1000, 5000])
        sweeper.schedule(Timestamp(milliseconds: 5000))
        sweeper.schedule(Timestamp(milliseconds: 1000))
        sweeper.schedule(Timestamp(milliseconds: 3000))
        var iterator = sweeps.makeAsyncIterator()
        self.clock.advance(by: .milliseconds(1000))
        #expect(await iterator.next()?.milliseconds == 1000)
        self.clock.advance(by: .milliseconds(4000))
        #expect(await iterator.next()?.milliseconds == 5000)
        sweeper.stop()
    }

    @Test func keepsItsDistance() async {
        let (sweeper, sweeps) = self.makeSweeper(left: [1000, 1001])
        sweeper.schedule(Timestamp(milliseconds: 1000))
        var iterator = sweeps.makeAsyncIterator()
        self.clock.advance(by: .milliseconds(1000))
        #expect(await iterator.next()?.milliseconds == 1000)
        self.clock.advance(by: .milliseconds(99))
        self.clock.advance(by: .milliseconds(1))
        #expect(await iterator.next()?.milliseconds == 1100)
        sweeper.stop()
    }

    @Test func aDeadlineInThePastIsSweptAtOnce() async {
        let (sweeper, sweeps) = self.makeSweeper()
        sweeper.schedule(Timestamp(milliseconds: -5))
        var iterator = sweeps.makeAsyncIterator()
        #expect(await iterator.next()?.milliseconds == 0)
        sweeper.stop()
    }

    @Test func stopsForGood() async {
        let count = Mutex(0)
        let sweeper = ExpirySweeper(clock: self.clock) { _ in
            count.withLock { $0 += 1 }
            return nil
        }
        sweeper.schedule(Timestamp(milliseconds: 10))
        sweeper.stop()
        sweeper.schedule(Timestamp(milliseconds: 10))
        self.clock.advance(by: .seconds(1))
        for _ in 0..<100 { await Task.yield() }
        #expect(count.withLock { $0 } == 0)
    }

    @Test func endsWithItsOwner() async {
        let (sweeps, continuation) = AsyncStream.makeStream(of: Timestamp.self)
        var sweeper: ExpirySweeper? = ExpirySweeper(clock: self.clock) { now in
            continuation.yield(now)
            return nil
        }
        sweeper?.schedule(Timestamp(milliseconds: 10))
        sweeper = nil
        self.clock.advance(by: .seconds(1))
        for _ in 0..<100 { await Task.yield() }
        continuation.finish()
        var iterator = sweeps.makeAsyncIterator()
        #expect(await iterator.next() == nil)
    }

    @Test func takesNothingOfTheWritersTaskAlong() async {
        let (sweeps, continuation) = AsyncStream.makeStream(of: Bool.self)
        let sweeper = ExpirySweeper(clock: self.clock) { _ in
            continuation.yield(TaskToken.current != nil)
            return nil
        }
        TaskToken.$current.withValue(TaskToken()) { sweeper.schedule(Timestamp(milliseconds: 10)) }
        self.clock.advance(by: .milliseconds(10))
        var iterator = sweeps.makeAsyncIterator()
        #expect(await iterator.next() == false)
        sweeper.stop()
    }

    @Test func aClockThatFailsOnceIsAskedAgain() async {
        let clock = FailingClock()
        let (sweeps, continuation) = AsyncStream.makeStream(of: Timestamp.self)
        let sweeper = ExpirySweeper(clock: clock) { now in
            continuation.yield(now)
            return nil
        }
        sweeper.schedule(Timestamp(milliseconds: 10))
        var iterator = sweeps.makeAsyncIterator()
        #expect(await iterator.next()?.milliseconds == 10)
        #expect(clock.failures.withLock { $0 } == 3)
        sweeper.stop()
    }
}

/// Fails to sleep three times, then shows the time that was waited for.
private final class FailingClock: StorageClock {
    private struct Broken: Error {}

    let failures = Mutex(0)
    private let time = Mutex(Timestamp(milliseconds: 0))

    var now: Timestamp { self.time.withLock { $0 } }

    func sleep(until deadline: Timestamp) async throws {
        let fails = self.failures.withLock { failures in
            guard failures < 3 else { return false }
            failures += 1
            return true
        }
        if fails { throw Broken() }
        self.time.withLock { $0 = deadline }
    }
}
