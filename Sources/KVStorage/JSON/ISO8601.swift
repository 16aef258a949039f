#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Dates as ISO 8601 text such as `2026-01-31T23:59:59.25Z`, with as many digits of a second as the date needs.
///
/// Foundation's own strategies keep whole seconds or milliseconds, so that a date read is not the date that was set.
enum ISO8601 {
    private static let secondsPerDay = 86_400
    private static let nanosecondsPerSecond = 1_000_000_000

    /// Returns the date in UTC, or `nil` if it is outside of the years 0 to 9999.
    static func format(_ date: Date) -> String? {
        // From the reference date, which is how a `Date` is kept: going through 1970 would lose a bit.
        let interval = date.timeIntervalSinceReferenceDate
        guard interval.isFinite, abs(interval) < 400_000_000_000 else { return nil }
        var seconds = Int(interval.rounded(.down))
        var (fraction, digits) = self.fraction(of: interval, from: seconds)
        if fraction == self.nanosecondsPerSecond {
            (seconds, fraction, digits) = (seconds + 1, 0, 0)
        }
        let (days, secondOfDay) = (seconds + Int(Date.timeIntervalBetween1970AndReferenceDate))
            .quotientAndRemainder(flooringBy: self.secondsPerDay)
        let (year, month, day) = civil(fromDays: days)
        guard (0...9999).contains(year) else { return nil }
        let minutes = secondOfDay / 60
        return String(unsafeUninitializedCapacity: 32) { text in
            var count = 0
            func write(_ number: Int, _ digits: Int, _ end: Unicode.Scalar) {
                var rest = number
                for index in stride(from: count + digits - 1, through: count, by: -1) {
                    text[index] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
                    rest /= 10
                }
                text[count + digits] = UInt8(ascii: end)
                count += digits + 1
            }
            write(year, 4, "-")
            write(month, 2, "-")
            write(day, 2, "T")
            write(minutes / 60, 2, ":")
            write(minutes % 60, 2, ":")
            write(secondOfDay % 60, 2, digits > 0 ? "." : "Z")
            if digits > 0 { write(fraction, digits, "Z") }
            return count
        }
    }

    /// Returns the part of a second with the fewest digits that read back as the same date, nine at most.
    private static func fraction(of interval: Double, from seconds: Int) -> (fraction: Int, digits: Int) {
        let exact = interval - Double(seconds)
        if exact == 0 { return (0, 0) }
        var scale = 1.0
        for digits in 1...9 {
            scale *= 10
            let fraction = (exact * scale).rounded()
            if fraction < scale, Double(seconds) + fraction / scale == interval { return (Int(fraction), digits) }
        }
        // Near to the reference date a double holds more than nanoseconds.
        var (fraction, digits) = (Int((exact * Double(self.nanosecondsPerSecond)).rounded()), 9)
        if fraction == 0 { return (0, 0) }
        while fraction < self.nanosecondsPerSecond, fraction.isMultiple(of: 10) {
            fraction /= 10
            digits -= 1
        }
        return (fraction, digits)
    }

    /// Returns the date, or `nil` if the text is none: `T` between date and time, any number of second's digits,
    /// `Z` or an offset such as `+02:00`.
    static func parse(_ text: String) -> Date? {
        var rest = Substring(text).utf8
        guard let year = digits(&rest, 4), literal(&rest, "-"), let month = digits(&rest, 2), literal(&rest, "-"),
            let day = digits(&rest, 2), literal(&rest, "T") || literal(&rest, "t"),
            let hour = digits(&rest, 2), literal(&rest, ":"), let minute = digits(&rest, 2), literal(&rest, ":"),
            let second = digits(&rest, 2), (1...12).contains(month), (1...daysInMonth(month, year)).contains(day),
            hour < 24, minute < 60, second < 61
        else { return nil }
        var fraction = 0.0
        if literal(&rest, ".") {
            let fractionDigits = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            guard !fractionDigits.isEmpty, let value = Double("0.\(Substring(fractionDigits))") else { return nil }
            fraction = value
            rest = rest.dropFirst(fractionDigits.count)
        }
        guard let offset = zone(&rest), rest.isEmpty else { return nil }
        let dayNumber = days(fromCivil: year, month, day)
        let seconds = dayNumber * self.secondsPerDay + (hour * 60 + minute) * 60 + second - offset
        return Date(
            timeIntervalSinceReferenceDate: Double(seconds - Int(Date.timeIntervalBetween1970AndReferenceDate))
                + fraction
        )
    }

    private static func zone(_ rest: inout Substring.UTF8View) -> Int? {
        if literal(&rest, "Z") || literal(&rest, "z") { return 0 }
        let sign: Int
        if literal(&rest, "+") {
            sign = 1
        } else if literal(&rest, "-") {
            sign = -1
        } else {
            return nil
        }
        guard let hours = digits(&rest, 2), literal(&rest, ":"), let minutes = digits(&rest, 2), hours < 24,
            minutes < 60
        else { return nil }
        return sign * (hours * 60 + minutes) * 60
    }

    private static func digits(_ rest: inout Substring.UTF8View, _ count: Int) -> Int? {
        let digits = rest.prefix(count)
        guard digits.count == count, digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
            return nil
        }
        rest = rest.dropFirst(count)
        return digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
    }

    private static func literal(_ rest: inout Substring.UTF8View, _ character: Unicode.Scalar) -> Bool {
        guard rest.first == UInt8(ascii: character) else { return false }
        rest = rest.dropFirst()
        return true
    }

    private static func daysInMonth(_ month: Int, _ year: Int) -> Int {
        switch month {
        case 2: (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    // The proleptic Gregorian calendar in eras of 400 years that begin on the first of March.

    private static let daysPerEra = 146_097
    private static let daysFromEraToEpoch = 719_468

    private static func days(fromCivil year: Int, _ month: Int, _ day: Int) -> Int {
        let shifted = month > 2 ? year : year - 1
        let (era, yearOfEra) = shifted.quotientAndRemainder(flooringBy: 400)
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * self.daysPerEra + dayOfEra - self.daysFromEraToEpoch
    }

    private static func civil(fromDays days: Int) -> (year: Int, month: Int, day: Int) {
        let (era, dayOfEra) = (days + self.daysFromEraToEpoch).quotientAndRemainder(flooringBy: self.daysPerEra)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }
}

extension Int {
    fileprivate func quotientAndRemainder(flooringBy divisor: Int) -> (quotient: Int, remainder: Int) {
        let (quotient, remainder) = self.quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}
