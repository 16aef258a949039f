import Foundation
import KVStorageTesting
import Testing

@testable import KVStorage

@Suite struct ISO8601Tests {
    /// The first moment of the year 0 and the first of the year 10000, from the reference date.
    private let range = -63_145_526_400.0..<252_423_993_600.0

    @Test func datesComeBackExactly() {
        var random = SeededGenerator(seed: 13)
        var changed: [Double] = []
        for number in 0..<100_000 {
            // Half of them over all years, half of them around now.
            let interval =
                number.isMultiple(of: 2)
                ? Double.random(in: self.range, using: &random) : Double.random(in: 1e7...2e9, using: &random)
            // Nearer to the reference date a double holds more digits than nanoseconds.
            guard abs(interval) > Double(1 << 23) else { continue }
            let date = Date(timeIntervalSinceReferenceDate: interval)
            if ISO8601.format(date).flatMap(ISO8601.parse) != date { changed.append(interval) }
        }
        #expect(changed == [])
    }

    @Test func datesNearTheReferenceDateAreExactToTheNanosecond() {
        var random = SeededGenerator(seed: 17)
        var changed: [Double] = []
        for _ in 0..<10_000 {
            let interval = Double.random(in: -1e6...1e6, using: &random)
            let parsed = ISO8601.format(Date(timeIntervalSinceReferenceDate: interval)).flatMap(ISO8601.parse)
            let difference = (parsed?.timeIntervalSinceReferenceDate ?? .infinity) - interval
            if abs(difference) > 1e-9 { changed.append(interval) }
        }
        #expect(changed == [])
    }

    @Test(arguments: [
        (0.0, "2001-01-01T00:00:00Z"), (0.25, "2001-01-01T00:00:00.25Z"), (-0.5, "2000-12-31T23:59:59.5Z"),
        (-978_307_200, "1970-01-01T00:00:00Z"), (-978_307_201, "1969-12-31T23:59:59Z"),
        (-63_145_526_400, "0000-01-01T00:00:00Z"), (252_423_993_599, "9999-12-31T23:59:59Z"),
        (-26_524_800, "2000-02-29T00:00:00Z"), (-1e-12, "2001-01-01T00:00:00Z"),
    ])
    func formats(_ interval: Double, _ text: String) {
        #expect(ISO8601.format(Date(timeIntervalSinceReferenceDate: interval)) == text)
    }

    @Test(arguments: [
        ("2026-05-28T12:00:00Z", 801_662_400.0), ("2026-05-28t12:00:00z", 801_662_400),
        ("2026-05-28T14:00:00+02:00", 801_662_400),
        ("2026-05-28T06:30:00-05:30", 801_662_400), ("2026-05-28T12:00:00.500Z", 801_662_400.5),
        ("2026-05-28T12:00:00.50000000000000000000Z", 801_662_400.5), ("2016-12-31T23:59:60Z", 504_921_600),
    ])
    func parses(_ text: String, _ interval: Double) {
        #expect(ISO8601.parse(text)?.timeIntervalSinceReferenceDate == interval)
    }

    @Test(arguments: [
        "", "2026-05-28", "2026-05-28T12:00Z", "2026-05-28T12:00:00", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z",
        "2026-00-10T00:00:00Z", "2026-01-32T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z",
        "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00Z ", " 2026-01-01T00:00:00Z", "2026-01-01 00:00:00Z", "20260101T000000Z",
        "2026-01-01T00:00:00+2:00",
        "2026-01-01T00:00:00+25:00", "+2026-01-01T00:00:00Z", "2026-01-01T00:00:00,5Z", "٢٠٢٦-01-01T00:00:00Z",
    ])
    func refuses(_ text: String) {
        #expect(ISO8601.parse(text) == nil)
    }

    @Test(arguments: [Double.nan, .infinity, -.infinity, 1e300, 252_423_993_600, -63_145_526_401])
    func formatsNoDateOutsideOfTheYears(_ interval: Double) {
        #expect(ISO8601.format(Date(timeIntervalSinceReferenceDate: interval)) == nil)
    }
}
