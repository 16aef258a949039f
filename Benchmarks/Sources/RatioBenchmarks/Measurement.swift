import Workloads

/// What came out for a row. Times are nanoseconds for one operation.
struct Measurement: Codable, Sendable {
    let name: String
    let subjectNanoseconds: Double
    let baselineNanoseconds: Double
    let ratio: Double
    let goal: Double
    let met: Bool

    enum CodingKeys: String, CodingKey {
        case name, ratio, goal, met
        case subjectNanoseconds = "subject_ns"
        case baselineNanoseconds = "baseline_ns"
    }

    /// Runs subject and baseline in turn, after one run of each to warm up.
    ///
    /// The times are medians over the rounds. The ratio is the median of the rounds' own ratios: the two runs of a round
    /// follow each other at once, so that a machine that becomes slower or faster in the course of the rounds moves both.
    init(_ row: Row, rounds: Int) async throws {
        let contest = try await row.prepare()
        var subjectTimes: [Double] = []
        var baselineTimes: [Double] = []
        for pass in 0...rounds {
            let subject = try await Self.time(contest.subject, pass: pass)
            let baseline = try await Self.time(contest.baseline, pass: pass)
            guard subject.checksum == baseline.checksum else {
                throw UnequalWork(description: "\(row.name): subject and baseline answered different data")
            }
            if pass > 0 {
                subjectTimes.append(subject.nanoseconds)
                baselineTimes.append(baseline.nanoseconds)
            }
        }
        try await contest.check()
        try await contest.tearDown()
        self.name = row.name
        self.subjectNanoseconds = Self.median(subjectTimes)
        self.baselineNanoseconds = Self.median(baselineTimes)
        self.ratio = Self.median(zip(subjectTimes, baselineTimes).map { $0 / $1 })
        self.goal = row.goal
        self.met = self.ratio <= row.goal
    }

    private static func time(
        _ workload: Workload,
        pass: Int
    ) async throws -> (nanoseconds: Double, checksum: Int) {
        let clock = ContinuousClock()
        let start = clock.now
        let checksum = try await workload.run(pass: pass)
        let elapsed = clock.now - start
        return (elapsed / .nanoseconds(1) / Double(workload.operations), checksum)
    }

    private static func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        let middle = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }
}
