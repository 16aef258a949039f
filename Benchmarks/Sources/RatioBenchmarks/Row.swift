import Workloads

/// One line of the table: something of ours, what it is compared with, and how much of its time it may take.
struct Row: Sendable {
    /// Begins with the driver's name, which is what `--filter` is mostly given.
    let name: String
    /// The largest ratio of the subject's time to the baseline's that meets the goal.
    let goal: Double
    /// Fills the stores.
    let prepare: @Sendable () async throws -> Contest

    /// All rows in the order of the table. A driver's rows stand in a file of their own: `Row+Memory.swift`.
    static var all: [Row] {
        Self.memory + Self.files + Self.sqlite + Self.lmdb + Self.redis + Self.transactions + Self.typed + Self.sessions
            + Self.users
    }
}

/// A subject and a baseline, filled and ready to run, that do the same work.
struct Contest: Sendable {
    /// Throws if the two sides don't hold the same; called after the last round.
    typealias Check = @Sendable () async throws -> Void

    let subject: Workload
    let baseline: Workload
    let check: Check
    /// Closes and deletes what the two sides used.
    let tearDown: @Sendable () async throws -> Void

    init(
        subject: Workload,
        baseline: Workload,
        check: @escaping Check,
        tearDown: @escaping @Sendable () async throws -> Void = {}
    ) {
        self.subject = subject
        self.baseline = baseline
        self.check = check
        self.tearDown = tearDown
    }
}

/// The two sides did not do the same.
struct UnequalWork: Error, CustomStringConvertible {
    let description: String
}
