/// What looking through a whole store found.
public struct StoreVerification: Sendable, Hashable {
    /// The number of items that were read whole.
    public var itemCount: Int
    /// What is wrong, a sentence each that says where and what to do; no values. At most 100 are kept.
    public var problems: [String]

    /// Creates the result of a verification.
    public init(itemCount: Int, problems: [String] = []) {
        self.itemCount = itemCount
        self.problems = problems
    }

    /// Whether nothing wrong was found.
    public var isSound: Bool { self.problems.isEmpty }
}
