/// One behaviour to be shown by one subject; what a parameterised test takes as its argument.
public struct ConformanceCase: Sendable, CustomStringConvertible {
    /// What is tested.
    public let subject: ConformanceSubject
    /// What it has to show.
    public let behavior: Behavior

    /// Makes a fresh store, shows the behaviour on it and cleans up.
    public func run(limit: Duration = .seconds(120)) async throws(ConformanceFailure) {
        try await self.behavior.run(on: self.subject, limit: limit)
    }

    /// The names of both.
    public var description: String { "\(self.subject.name): \(self.behavior.name)" }
}
