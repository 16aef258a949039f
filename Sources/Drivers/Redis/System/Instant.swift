import KVStorage

/// A point on a clock that only goes forward, in nanoseconds; the time of day plays no part in timeouts.
struct Instant: Sendable, Hashable, Comparable {
    var nanoseconds: Int64

    static let distantFuture = Instant(nanoseconds: .max)

    static func < (left: Instant, right: Instant) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    /// Returns the instant that lies so much later, saturating.
    func advanced(by duration: Duration) -> Instant {
        let (nanoseconds, overflow) = duration.wholeMilliseconds.multipliedReportingOverflow(by: 1_000_000)
        guard !overflow else { return duration < .zero ? Instant(nanoseconds: .min) : .distantFuture }
        return self.advanced(byNanoseconds: nanoseconds)
    }

    /// Returns the instant that lies so much later, saturating.
    func advanced(byNanoseconds nanoseconds: Int64) -> Instant {
        let (sum, overflow) = self.nanoseconds.addingReportingOverflow(nanoseconds)
        return overflow ? .distantFuture : Instant(nanoseconds: sum)
    }

    /// Returns the milliseconds until another instant, rounded up, for `poll`: 0 if it has passed, -1 if it never comes.
    func pollMilliseconds(until other: Instant?) -> Int32 {
        guard let other, other != .distantFuture else { return -1 }
        let (difference, overflow) = other.nanoseconds.subtractingReportingOverflow(self.nanoseconds)
        guard !overflow, difference > 0 else { return 0 }
        return Int32(clamping: (difference - 1) / 1_000_000 + 1)
    }
}
