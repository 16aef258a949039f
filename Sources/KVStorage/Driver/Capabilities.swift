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

    /// Whether ``StorageDriver/apply(_:)`` is all-or-nothing.
    public var atomicBatch: Bool
    /// Whether the atomic calls hold between processes that share the store.
    public var interprocess: Bool
    /// Whether keys are listed in ascending order of their UTF-8 bytes.
    public var orderedKeys: Bool
    /// Whether custom metadata can be kept beside an item.
    public var customMetadata: Bool
    /// Whether an item may vanish before its time, to keep within a limit.
    public var evicts: Bool
    /// Whether writes are refused.
    public var readOnly: Bool
    /// Whether the driver keeps nothing at all, like ``NullDriver``.
    public var discards: Bool
    /// Whether a read may be older than an acknowledged write; atomic calls then read by compare-and-swap.
    package var readsMayBeOld = false
    /// What the driver's own events cover.
    public var watching: Watching
    /// What an acknowledged write survives.
    public var durability: Durability
    /// The longest key in UTF-8 bytes, if there is a limit.
    public var maximumKeyBytes: Int?
    /// The largest value in bytes, if there is a limit.
    public var maximumValueBytes: Int?

    /// Creates the capabilities of a driver that has none but the required ones.
    public init(
        atomicBatch: Bool = false,
        interprocess: Bool = false,
        orderedKeys: Bool = false,
        customMetadata: Bool = false,
        evicts: Bool = false,
        readOnly: Bool = false,
        discards: Bool = false,
        watching: Watching = .none,
        durability: Durability = .none,
        maximumKeyBytes: Int? = nil,
        maximumValueBytes: Int? = nil
    ) {
        self.atomicBatch = atomicBatch
        self.interprocess = interprocess
        self.orderedKeys = orderedKeys
        self.customMetadata = customMetadata
        self.evicts = evicts
        self.readOnly = readOnly
        self.discards = discards
        self.watching = watching
        self.durability = durability
        self.maximumKeyBytes = maximumKeyBytes
        self.maximumValueBytes = maximumValueBytes
    }
}
