/// What a driver's tests have put into its medium behind its back; see ``ConformanceSubject``.
public struct PlantedNames: Sendable {
    /// Returns how many of the names that were planted are still in the medium; called while no driver has it open.
    public let remaining: @Sendable () async throws -> Int

    /// Creates the answer of a subject's `plant`.
    public init(remaining: @escaping @Sendable () async throws -> Int) {
        self.remaining = remaining
    }
}
