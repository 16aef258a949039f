#if HummingbirdSupport
import KVStorage

/// Dates as header fields have them (RFC 9110 §5.6.7).
enum HTTPDate {
    private static let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// Returns the time as in `Sun, 06 Nov 1994 08:49:37 GMT`; `nil` before 1970 and after the year 9999.
    static func format(_ time: Timestamp) -> String? {
        let (days, seconds) = (time.milliseconds / 1000).quotientAndRemainder(dividingBy: 86_400)
        guard time.milliseconds >= 0, days < 2_932_897 else { return nil }
        // Howard Hinnant, "chrono-compatible low-level date algorithms": years that begin in March, in eras of 400.
        let (era, dayOfEra) = (Int(days) + 719_468).quotientAndRemainder(dividingBy: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let march = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * march + 2) / 5 + 1
        let month = march < 10 ? march + 2 : march - 10
        let year = era * 400 + yearOfEra + (month < 2 ? 1 : 0)
        let clock = [seconds / 3_600, seconds / 60 % 60, seconds % 60].map { Self.pad(Int($0), 2) }
        return "\(Self.days[Int(days % 7)]), \(Self.pad(day, 2)) \(Self.months[month]) \(Self.pad(year, 4)) "
            + "\(clock.joined(separator: ":")) GMT"
    }

    private static func pad(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
#endif
