/// A point in time: whole milliseconds since 1970-01-01 00:00:00 UTC, leap seconds not counted (POSIX time).
///
/// Arithmetic saturates at the ends of the range and never traps.
public struct Timestamp: Sendable, Hashable, Comparable, Codable {
    /// Milliseconds since the Unix epoch.
    public var milliseconds: Int64

    /// Creates a point in time from milliseconds since the Unix epoch.
    public init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    /// The end of the range, which no item lives to see.
    public static let distantFuture = Timestamp(milliseconds: .max)

    /// Compares two points in time.
    public static func < (left: Timestamp, right: Timestamp) -> Bool {
        left.milliseconds < right.milliseconds
    }

    /// Returns the point in time that lies `duration` later, rounded up to whole milliseconds, saturating.
    public func advanced(by duration: Duration) -> Timestamp {
        let (sum, overflow) = self.milliseconds.addingReportingOverflow(duration.wholeMilliseconds)
        guard overflow else { return Timestamp(milliseconds: sum) }
        return Timestamp(milliseconds: duration < .zero ? .min : .max)
    }

    /// Returns the time from here to `other`, negative if `other` is earlier, saturating.
    public func duration(to other: Timestamp) -> Duration {
        let (difference, overflow) = other.milliseconds.subtractingReportingOverflow(self.milliseconds)
        guard overflow else { return .milliseconds(difference) }
        return .milliseconds(other < self ? Int64.min : Int64.max)
    }
}

extension Duration {
    /// The time span in milliseconds, rounded up, saturating.
    package var wholeMilliseconds: Int64 {
        let (seconds, attoseconds) = self.components
        let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1000)
        guard !overflow else { return seconds < 0 ? .min : .max }
        let attosecondsPerMillisecond: Int64 = 1_000_000_000_000_000
        var rest = attoseconds / attosecondsPerMillisecond
        if attoseconds % attosecondsPerMillisecond > 0 { rest += 1 }
        let (sum, overflowed) = scaled.addingReportingOverflow(rest)
        guard !overflowed else { return seconds < 0 ? .min : .max }
        return sum
    }
}
