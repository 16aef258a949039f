public import KVStorage

/// A call of a driver, as the drivers below see it.
public struct DriverCall: Sendable, Hashable {
    /// Which call it is.
    public enum Operation: String, Sendable, Hashable, CaseIterable {
        /// `getItem`.
        case get
        /// `setItem`.
        case set
        /// `removeItem`.
        case remove
        /// `compareAndSwapItem` with a replacement.
        case swap
        /// `compareAndSwapItem` without one.
        case swapAway
        /// `touchItem`.
        case touch
        /// `getMeta` and `setMeta`.
        case meta
        /// `getKeys`.
        case keys
        /// `hasItem`.
        case has
        /// `getItems`.
        case getMany
        /// `apply`.
        case apply
        /// `takeItem`.
        case take
        /// `incrementItem`.
        case increment
        /// `clear`.
        case clear

        /// Whether the call can change something.
        public var isWrite: Bool {
            switch self {
            case .get, .keys, .has, .getMany: false
            default: true
            }
        }
    }

    /// Which call it is.
    public var operation: Operation
    /// The key or the base that it names; empty where it names several.
    public var key: String
    /// The lifetime that it asks for.
    public var ttl: Duration?

    /// The key of the item that it names; `nil` where it names several or a base.
    public var itemKey: String? {
        switch self.operation {
        case .getMany, .apply, .keys, .clear: nil
        default: self.key
        }
    }

    /// Creates a call.
    public init(_ operation: Operation, _ key: String = "", ttl: Duration? = nil) {
        self.operation = operation
        self.key = key
        self.ttl = ttl
    }
}

/// A driver that hands every call to another one and may do something before, after or instead.
public protocol ForwardingDriver: StorageDriver {
    /// The driver that does the work.
    var base: any StorageDriver { get }

    /// Carries out a call; `body` hands it to ``base``.
    func around<Result>(
        _ call: DriverCall,
        _ body: () async throws(StorageError) -> Result
    ) async throws(StorageError) -> Result
}

extension ForwardingDriver {
    /// The base's name.
    public var name: String { self.base.name }
    /// The base's capabilities.
    public var capabilities: Capabilities { self.base.capabilities }
    /// The base's events.
    public var events: EventHub? { self.base.events }

    /// Forwards.
    public func getItem(_ key: String) async throws(StorageError) -> [UInt8]? {
        try await self.around(DriverCall(.get, key)) { () async throws(StorageError) in
            try await self.base.getItem(key)
        }
    }

    /// Forwards.
    public func setItem(_ key: String, _ value: [UInt8], _ options: WriteOptions) async throws(StorageError) {
        try await self.around(DriverCall(.set, key, ttl: options.ttl)) { () async throws(StorageError) in
            try await self.base.setItem(key, value, options)
        }
    }

    /// Forwards.
    public func removeItem(_ key: String) async throws(StorageError) -> Bool {
        try await self.around(DriverCall(.remove, key)) { () async throws(StorageError) in
            try await self.base.removeItem(key)
        }
    }

    /// Forwards.
    public func compareAndSwapItem(
        _ key: String,
        expected: [UInt8]?,
        replacement: [UInt8]?,
        _ options: WriteOptions
    ) async throws(StorageError) -> CompareAndSwapResult {
        let operation: DriverCall.Operation = replacement == nil ? .swapAway : .swap
        return try await self.around(DriverCall(operation, key, ttl: options.ttl)) { () async throws(StorageError) in
            try await self.base.compareAndSwapItem(key, expected: expected, replacement: replacement, options)
        }
    }

    /// Forwards.
    public func touchItem(_ key: String, ttl: Duration?) async throws(StorageError) -> Bool {
        try await self.around(DriverCall(.touch, key, ttl: ttl)) { () async throws(StorageError) in
            try await self.base.touchItem(key, ttl: ttl)
        }
    }

    /// Forwards.
    public func getMeta(_ key: String) async throws(StorageError) -> ItemMeta? {
        try await self.around(DriverCall(.meta, key)) { () async throws(StorageError) in
            try await self.base.getMeta(key)
        }
    }

    /// Forwards.
    public func setMeta(_ key: String, _ fields: [UInt8]?) async throws(StorageError) -> Bool {
        try await self.around(DriverCall(.meta, key)) { () async throws(StorageError) in
            try await self.base.setMeta(key, fields)
        }
    }

    /// Forwards.
    public func getKeys(_ query: KeyQuery) async throws(StorageError) -> KeyPage {
        try await self.around(DriverCall(.keys, query.base)) { () async throws(StorageError) in
            try await self.base.getKeys(query)
        }
    }

    /// Forwards.
    public func hasItem(_ key: String) async throws(StorageError) -> Bool {
        try await self.around(DriverCall(.has, key)) { () async throws(StorageError) in
            try await self.base.hasItem(key)
        }
    }

    /// Forwards.
    public func getItems(_ keys: [String]) async throws(StorageError) -> [[UInt8]?] {
        try await self.around(DriverCall(.getMany)) { () async throws(StorageError) in
            try await self.base.getItems(keys)
        }
    }

    /// Forwards.
    public func apply(_ mutations: [Mutation]) async throws(StorageError) -> Int {
        try await self.around(DriverCall(.apply)) { () async throws(StorageError) in
            try await self.base.apply(mutations)
        }
    }

    /// Forwards.
    public func takeItem(_ key: String) async throws(StorageError) -> [UInt8]? {
        try await self.around(DriverCall(.take, key)) { () async throws(StorageError) in
            try await self.base.takeItem(key)
        }
    }

    /// Forwards.
    public func incrementItem(_ key: String, by amount: Int, _ options: WriteOptions) async throws(StorageError) -> Int
    {
        try await self.around(DriverCall(.increment, key, ttl: options.ttl)) { () async throws(StorageError) in
            try await self.base.incrementItem(key, by: amount, options)
        }
    }

    /// Forwards.
    public func clear(_ base: String) async throws(StorageError) -> Int {
        try await self.around(DriverCall(.clear, base)) { () async throws(StorageError) in
            try await self.base.clear(base)
        }
    }

    /// Forwards.
    public func startWatching() async throws(StorageError) {
        try await self.base.startWatching()
    }

    /// Forwards; the calls of the limited driver are seen too.
    public func limited(to limit: Duration) throws(StorageError) -> any StorageDriver {
        LimitedForwardingDriver(outer: self, base: try self.base.limited(to: limit))
    }

    /// Forwards.
    public func dispose() async throws(StorageError) {
        try await self.base.dispose()
    }
}

/// What a forwarding driver gives for a time limit: the base's limited driver, whose calls go through the same `around`.
private struct LimitedForwardingDriver: ForwardingDriver {
    let outer: any ForwardingDriver
    let base: any StorageDriver

    func around<Result>(
        _ call: DriverCall,
        _ body: () async throws(StorageError) -> Result
    ) async throws(StorageError) -> Result {
        try await self.outer.around(call, body)
    }
}
