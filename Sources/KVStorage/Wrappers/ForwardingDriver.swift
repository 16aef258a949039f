/// A driver that hands every call to another one, through one function that may do something before, after or instead.
///
/// The one place where calls are forwarded. For this package alone: a driver that answers one call by itself and forwards
/// the rest gives wrong results where the base's other calls do the same natively, so strangers get ``DriverLayer`` and
/// ``StorageDriver/transformed(overhead:encode:decode:)`` instead.
package protocol ForwardingDriver: StorageDriver {
    /// The driver that does the work.
    var base: any StorageDriver { get }

    /// Carries out a call; `body` hands it to ``base``.
    func around<Result>(
        _ call: DriverCall,
        _ body: () async throws(StorageError) -> Result
    ) async throws(StorageError) -> Result
}

extension ForwardingDriver {
    /// Hands the call on.
    package func around<Result>(
        _ call: DriverCall,
        _ body: () async throws(StorageError) -> Result
    ) async throws(StorageError) -> Result {
        try await body()
    }

    /// The base's name.
    public var name: String { self.base.name }
    /// The base's capabilities.
    public var capabilities: Capabilities { self.base.capabilities }
    /// The base's events.
    public var events: EventHub? { self.base.events }

    /// Forwards.
    public func getItem(_ key: String) async throws(StorageError) -> [UInt8]? {
        try await self.around(DriverCall(.get, [key])) { () async throws(StorageError) in
            try await self.base.getItem(key)
        }
    }

    /// Forwards.
    public func hasItem(_ key: String) async throws(StorageError) -> Bool {
        try await self.around(DriverCall(.has, [key])) { () async throws(StorageError) in
            try await self.base.hasItem(key)
        }
    }

    /// Forwards.
    public func getItems(_ keys: [String]) async throws(StorageError) -> [[UInt8]?] {
        try await self.around(DriverCall(.getMany, keys)) { () async throws(StorageError) in
            try await self.base.getItems(keys)
        }
    }

    /// Forwards.
    public func getEntries(_ keys: [String]) async throws(StorageError) -> [Entry?] {
        try await self.around(DriverCall(.getEntries, keys)) { () async throws(StorageError) in
            try await self.base.getEntries(keys)
        }
    }

    /// Forwards.
    public func getMeta(_ key: String) async throws(StorageError) -> ItemMeta? {
        try await self.around(DriverCall(.getMeta, [key])) { () async throws(StorageError) in
            try await self.base.getMeta(key)
        }
    }

    /// Forwards.
    public func getKeys(_ query: KeyQuery) async throws(StorageError) -> KeyPage {
        try await self.around(DriverCall(.keys, base: query.base)) { () async throws(StorageError) in
            try await self.base.getKeys(query)
        }
    }

    /// Forwards.
    public func setItem(_ key: String, _ value: [UInt8], _ options: WriteOptions) async throws(StorageError) {
        try await self.around(DriverCall(.set, [key], ttl: options.ttl)) { () async throws(StorageError) in
            try await self.base.setItem(key, value, options)
        }
    }

    /// Forwards.
    public func removeItem(_ key: String) async throws(StorageError) -> Bool {
        try await self.around(DriverCall(.remove, [key])) { () async throws(StorageError) in
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
        let without: DriverCall.Operation = expected == nil ? .check : .swapAway
        let operation = replacement == nil ? without : .swap
        return try await self.around(DriverCall(operation, [key], ttl: options.ttl)) { () async throws(StorageError) in
            try await self.base.compareAndSwapItem(key, expected: expected, replacement: replacement, options)
        }
    }

    /// Forwards.
    public func touchItem(_ key: String, ttl: TTL) async throws(StorageError) -> Bool {
        try await self.around(DriverCall(.touch, [key], ttl: ttl)) { () async throws(StorageError) in
            try await self.base.touchItem(key, ttl: ttl)
        }
    }

    /// Forwards.
    public func setMeta(_ key: String, _ fields: [UInt8]?) async throws(StorageError) -> Bool {
        try await self.around(DriverCall(.setMeta, [key])) { () async throws(StorageError) in
            try await self.base.setMeta(key, fields)
        }
    }

    /// Forwards.
    public func apply(_ mutations: [Mutation]) async throws(StorageError) -> [Bool] {
        try await self.around(DriverCall(.apply, mutations.map(\.key))) { () async throws(StorageError) in
            try await self.base.apply(mutations)
        }
    }

    /// Forwards.
    public func commit(_ commit: Commit) async throws(StorageError) -> CommitOutcome {
        let operation: DriverCall.Operation = commit.mutations.isEmpty ? .check : .commit
        return try await self.around(DriverCall(operation, commit.keys)) { () async throws(StorageError) in
            try await self.base.commit(commit)
        }
    }

    /// Forwards.
    public func takeItem(_ key: String) async throws(StorageError) -> [UInt8]? {
        try await self.around(DriverCall(.take, [key])) { () async throws(StorageError) in
            try await self.base.takeItem(key)
        }
    }

    /// Forwards.
    public func incrementItem(
        _ key: String,
        by amount: Int,
        _ options: WriteOptions
    ) async throws(StorageError) -> Int {
        try await self.around(DriverCall(.increment, [key], ttl: options.ttl)) { () async throws(StorageError) in
            try await self.base.incrementItem(key, by: amount, options)
        }
    }

    /// Forwards.
    public func clear(_ base: String) async throws(StorageError) -> Int {
        try await self.around(DriverCall(.clear, base: base)) { () async throws(StorageError) in
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

    var capabilities: Capabilities { self.outer.capabilities }

    func around<Result>(
        _ call: DriverCall,
        _ body: () async throws(StorageError) -> Result
    ) async throws(StorageError) -> Result {
        try await self.outer.around(call, body)
    }
}
