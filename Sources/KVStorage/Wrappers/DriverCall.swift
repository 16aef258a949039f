/// A call of a driver, as a ``DriverLayer`` sees it.
public struct DriverCall: Sendable, Hashable {
    /// Which call it is.
    public enum Operation: String, Sendable, Hashable, CaseIterable {
        /// ``StorageDriver/getItem(_:)``.
        case get
        /// ``StorageDriver/hasItem(_:)``.
        case has
        /// ``StorageDriver/getItems(_:)``.
        case getMany
        /// ``StorageDriver/getEntries(_:)``.
        case getEntries
        /// ``StorageDriver/getMeta(_:)``.
        case getMeta
        /// ``StorageDriver/getKeys(_:)``.
        case keys
        /// What compares and can change nothing: ``StorageDriver/commit(_:)`` without mutations, and
        /// ``StorageDriver/compareAndSwapItem(_:expected:replacement:_:)`` of nothing by nothing.
        case check
        /// ``StorageDriver/setItem(_:_:_:)``.
        case set
        /// ``StorageDriver/removeItem(_:)``.
        case remove
        /// ``StorageDriver/compareAndSwapItem(_:expected:replacement:_:)`` with a replacement.
        case swap
        /// ``StorageDriver/compareAndSwapItem(_:expected:replacement:_:)`` without one, of an item that is expected.
        case swapAway
        /// ``StorageDriver/touchItem(_:ttl:)``.
        case touch
        /// ``StorageDriver/setMeta(_:_:)``.
        case setMeta
        /// ``StorageDriver/apply(_:)``.
        case apply
        /// ``StorageDriver/commit(_:)`` with mutations.
        case commit
        /// ``StorageDriver/takeItem(_:)``.
        case take
        /// ``StorageDriver/incrementItem(_:by:_:)``.
        case increment
        /// ``StorageDriver/clear(_:)``.
        case clear

        /// Whether the call can change something.
        public var isWrite: Bool {
            switch self {
            case .get, .has, .getMany, .getEntries, .getMeta, .keys, .check: false
            default: true
            }
        }
    }

    /// Which call it is.
    public var operation: Operation
    /// The keys of the items that it names; none if it names a base.
    public var keys: [String]
    /// The base that it names; `nil` if it names items.
    public var base: String?
    /// The lifetime that it asks for; of a batch none.
    public var ttl: TTL?

    /// The first of its keys, or its base, or nothing.
    public var key: String { self.keys.first ?? self.base ?? "" }

    /// The key of the item that it names; `nil` where it names several or a base.
    public var itemKey: String? {
        self.keys.count == 1 ? self.keys.first : nil
    }

    /// Creates a call.
    public init(_ operation: Operation, _ keys: [String] = [], base: String? = nil, ttl: TTL? = nil) {
        self.operation = operation
        self.keys = keys
        self.base = base
        self.ttl = ttl
    }
}
