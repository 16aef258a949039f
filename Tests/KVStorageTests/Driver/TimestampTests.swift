import KVStorage
import Testing

@Suite struct TimestampTests {
    private let now = Timestamp(milliseconds: 1_780_000_000_000)

    @Test(
        arguments: [
            (Duration.zero, 0), (.milliseconds(1), 1), (.nanoseconds(1), 1), (.microseconds(1500), 2),
            (.seconds(60), 60_000),
            (.milliseconds(-1), -1), (.nanoseconds(-1), 0), (.microseconds(-1500), -1), (.seconds(-60), -60_000),
        ] as [(Duration, Int64)])
    func advancesByWholeMillisecondsRoundedUp(_ duration: Duration, _ milliseconds: Int64) {
        #expect(self.now.advanced(by: duration).milliseconds - self.now.milliseconds == milliseconds)
    }

    @Test func saturatesAtTheEnds() {
        for duration in [Duration.seconds(Int64.max), .milliseconds(Int64.max), .seconds(Int64.max / 1000 + 1)] {
            #expect(self.now.advanced(by: duration) == .distantFuture)
            #expect(Timestamp.distantFuture.advanced(by: duration) == .distantFuture)
        }
        let past = Timestamp(milliseconds: -5)
        for duration in [Duration.seconds(Int64.min), .milliseconds(Int64.min), .seconds(Int64.min / 1000 - 1)] {
            #expect(past.advanced(by: duration) == Timestamp(milliseconds: .min))
        }
        #expect(Timestamp.distantFuture.advanced(by: .milliseconds(-1)).milliseconds == .max - 1)
        #expect(Timestamp(milliseconds: .min).advanced(by: .milliseconds(1)).milliseconds == .min + 1)
    }

    @Test func measuresTheTimeBetween() {
        #expect(self.now.duration(to: self.now.advanced(by: .seconds(5))) == .seconds(5))
        #expect(self.now.duration(to: self.now.advanced(by: .seconds(-5))) == .seconds(-5))
        #expect(Timestamp(milliseconds: .min).duration(to: .distantFuture) == .milliseconds(Int64.max))
        #expect(Timestamp.distantFuture.duration(to: Timestamp(milliseconds: .min)) == .milliseconds(Int64.min))
    }

    @Test func ordersByTime() {
        #expect(self.now < self.now.advanced(by: .nanoseconds(1)))
        #expect(Timestamp(milliseconds: .min) < Timestamp(milliseconds: -1))
        #expect(Timestamp(milliseconds: 0) < .distantFuture)
    }
}
