/// What a driver can do beyond the least that ``StorageDriver`` asks; the conformance suite holds it to its word.
public struct Capabilities: Sendable, Hashable {
    /// Which failures an acknowledged write survives.
    public enum Durability: Int, Sendable, Hashable, Comparable {
        /// Gone when the process ends.
        case none
        /// There after the process was killed, not necessarily after the machine lost power.
        case processCrash
        /// There after the machine lost power.
        case powerLoss

        /// Compares two levels, the weaker first.
        public static func < (left: Durability, right: Durability) -> Bool {
            left.rawValue < right.rawValue
        }
    }

    /// Where the changes come from that ``StorageDriver/events`` tells of.
    public enum Watching: Sendable, Hashable {
        /// The driver tells of nothing; ``Storage`` tells of the writes that go through it.
        case none
        /// Writes through this driver value, expiry and eviction included.
        case local
        /// Also writes by other processes.
        case external
    }

    /// What a driver declares beyond the required, each by itself.
    public struct Feature: OptionSet, Sendable, Hashable {
        /// The bits.
        public let rawValue: UInt32

        /// Creates a set from its bits.
        public init(rawValue: UInt32) {
            self.rawValue = rawValue
        }

        /// ``StorageDriver/apply(_:)`` and ``StorageDriver/commit(_:)`` are all-or-nothing over all keys of the driver, also
        /// when the process is killed in the middle.
        public static let atomicCommit = Feature(rawValue: 1 << 0)
        /// A batch or commit is seen whole or not at all by ``StorageDriver/getItems(_:)`` and
        /// ``StorageDriver/getEntries(_:)``, and what they return is of one moment.
        public static let wholeReads = Feature(rawValue: 1 << 1)
        /// The atomic calls hold between processes that share the store.
        public static let interprocess = Feature(rawValue: 1 << 2)
        /// Keys are listed in ascending order of their UTF-8 bytes, and a page's cursor is the last key that the driver looked
        /// at, or text with NUL in front where that is none. Any key may be given as a cursor: what comes after it is listed.
        public static let orderedKeys = Feature(rawValue: 1 << 3)
        /// Custom metadata can be kept beside an item.
        public static let customMetadata = Feature(rawValue: 1 << 4)
        /// An item may vanish before its time, to keep within a limit.
        public static let evicts = Feature(rawValue: 1 << 5)
        /// Writes are refused.
        public static let readOnly = Feature(rawValue: 1 << 6)
        /// The driver keeps nothing at all, like ``NullDriver``.
        public static let discards = Feature(rawValue: 1 << 7)
        /// A read may be older than an acknowledged write; what decides by what it read uses the atomic calls.
        public static let readsMayBeOld = Feature(rawValue: 1 << 8)
    }

    /// What the driver can do, and what has to be known of it.
    public var features: Feature
    /// What the driver's own events cover.
    public var watching: Watching
    /// What an acknowledged write survives.
    public var durability: Durability
    /// The longest key in UTF-8 bytes, if there is a limit.
    public var maximumKeyBytes: Int?
    /// The largest value in bytes, if there is a limit.
    public var maximumValueBytes: Int?

    /// Creates capabilities; without arguments those of a driver that has none but the required ones.
    public init(
        _ features: Feature = [],
        watching: Watching = .none,
        durability: Durability = .none,
        maximumKeyBytes: Int? = nil,
        maximumValueBytes: Int? = nil
    ) {
        self.features = features
        self.watching = watching
        self.durability = durability
        self.maximumKeyBytes = maximumKeyBytes
        self.maximumValueBytes = maximumValueBytes
    }

    /// Returns whether the driver declares all of these.
    public func contains(_ features: Feature) -> Bool { self.features.contains(features) }
}
