/// What a run of the suite found.
public struct ConformanceReport: Sendable, CustomStringConvertible {
    /// A behaviour that does not apply to the subject.
    public struct Skipped: Sendable, Hashable {
        /// The name of the behaviour.
        public var behavior: String
        /// Why it was not run.
        public var reason: String
    }

    /// What was tested.
    public let subject: String
    /// The names of the behaviours that the subject showed.
    public internal(set) var passed: [String] = []
    /// What it did not show.
    public internal(set) var failed: [ConformanceFailure] = []
    /// What was not asked of it.
    public internal(set) var skipped: [Skipped] = []

    init(subject: String) {
        self.subject = subject
    }

    /// The counts, then every failure.
    public var description: String {
        let counts = "\(self.passed.count) passed, \(self.failed.count) failed, \(self.skipped.count) skipped"
        return (["\(self.subject): \(counts)"] + self.failed.map(\.description)).joined(separator: "\n")
    }
}
