import KVStorage
import KVStorageTesting
import Testing

@Suite struct ManualClockTests {
    private let clock = ManualClock(now: Timestamp(milliseconds: 1000))

    @Test func standsStillUntilMoved() {
        #expect(self.clock.now.milliseconds == 1000)
        self.clock.advance(by: .seconds(2))
        #expect(self.clock.now.milliseconds == 3000)
        self.clock.advance(by: .seconds(-5))
        #expect(self.clock.now.milliseconds == -2000)
    }

    @Test func wakesSleepersAtTheirDeadlines() async throws {
        let (woken, continuation) = AsyncStream.makeStream(of: Int64.self)
        let deadlines: [Int64] = [1500, 2000, 2500]
        let sleepers = deadlines.map { deadline in
            Task { [clock = self.clock] in
                try await clock.sleep(until: Timestamp(milliseconds: deadline))
                continuation.yield(deadline)
            }
        }
        var iterator = woken.makeAsyncIterator()
        for deadline in deadlines {
            self.clock.advance(by: .milliseconds(500))
            #expect(await iterator.next() == deadline)
        }
        for sleeper in sleepers { try await sleeper.value }
    }

    @Test func doesNotSleepUntilThePast() async throws {
        try await self.clock.sleep(until: Timestamp(milliseconds: 1000))
        try await self.clock.sleep(until: Timestamp(milliseconds: -1))
    }

    @Test func cancellingWakesWithAnError() async {
        let sleeper = Task { [clock = self.clock] in try await clock.sleep(until: .distantFuture) }
        await Task.yield()
        sleeper.cancel()
        await #expect(throws: CancellationError.self) { try await sleeper.value }
        let cancelled = Task { [clock = self.clock] in
            withUnsafeCurrentTask { $0?.cancel() }
            try await clock.sleep(until: .distantFuture)
        }
        await #expect(throws: CancellationError.self) { try await cancelled.value }
    }
}
