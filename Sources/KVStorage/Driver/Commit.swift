/// Checks and writes of several keys that are one step: if all checks hold, all writes are done, else none.
public struct Commit: Sendable, Hashable {
    /// What has to hold of one item in the instant of the writes.
    public struct Check: Sendable, Hashable {
        /// What is demanded of an item.
        public enum Condition: Sendable, Hashable {
            /// There is no item.
            case absent
            /// There is an item, whatever its bytes.
            case present
            /// The item has exactly these bytes.
            case bytes([UInt8])

            /// Returns whether an item of these bytes, or its absence, is what is demanded.
            public func holds(for current: [UInt8]?) -> Bool {
                switch self {
                case .absent: current == nil
                case .present: current != nil
                case .bytes(let bytes): current == bytes
                }
            }
        }

        /// The key of the item.
        public var key: String
        /// What is demanded.
        public var condition: Condition

        /// Creates a check.
        public init(_ key: String, _ condition: Condition) {
            self.key = key
            self.condition = condition
        }
    }

    /// What has to hold; the first that does not is reported.
    public var checks: [Check]
    /// What is written then; each key comes at most once.
    public var mutations: [Mutation]

    /// Creates a commit.
    public init(checks: [Check] = [], mutations: [Mutation] = []) {
        self.checks = checks
        self.mutations = mutations
    }

    /// The keys of checks and mutations, in their order, with repetitions.
    public var keys: [String] { self.checks.map(\.key) + self.mutations.map(\.key) }
}

/// What became of a ``Commit``.
public enum CommitOutcome: Sendable, Hashable {
    /// All checks held and everything was written; for each mutation, in their order, whether its item was there before.
    case committed(found: [Bool])
    /// That check did not hold, and nothing was written; the bytes that its item had, or `nil` if it is absent.
    case mismatch(index: Int, current: [UInt8]?)
}
