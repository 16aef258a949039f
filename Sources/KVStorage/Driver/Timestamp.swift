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

extension Timestamp: CustomStringConvertible {
    /// Date and time in UTC, as in `2026-03-01T12:30:00.250Z` (RFC 3339); outside of the years 0 to 9999 the milliseconds.
    public var description: String {
        let (seconds, fraction) = self.milliseconds.quotientAndFloor(by: 1000)
        let (days, second) = seconds.quotientAndFloor(by: 86_400)
        guard (-719_528..<2_932_897).contains(days) else { return "\(self.milliseconds) ms" }
        let (year, month, day) = Self.civil(days)
        let time = [second / 3600, second / 60 % 60, second % 60].map { Self.digits($0, 2) }.joined(separator: ":")
        let date = "\(Self.digits(year, 4))-\(Self.digits(month, 2))-\(Self.digits(day, 2))"
        return "\(date)T\(time).\(Self.digits(fraction, 3))Z"
    }

    /// The date of a day counted from 1970-01-01, in the proleptic Gregorian calendar.
    private static func civil(_ days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        // In eras of 400 years that begin in March, so that a leap day is the last of its year.
        let (era, dayOfEra) = (days + 719_468).quotientAndFloor(by: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let month = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * month + 2) / 5 + 1
        let isNextYear = month >= 10
        return (yearOfEra + era * 400 + (isNextYear ? 1 : 0), isNextYear ? month - 9 : month + 3, day)
    }

    private static func digits(_ number: Int64, _ count: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, count - text.utf8.count)) + text
    }
}

extension Int64 {
    /// Returns the quotient rounded down and the remainder, which is not negative.
    fileprivate func quotientAndFloor(by divisor: Int64) -> (Int64, Int64) {
        let (quotient, remainder) = self.quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
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
