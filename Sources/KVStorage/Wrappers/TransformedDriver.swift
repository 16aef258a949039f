/// A driver whose values are others than those that its callers see: encrypted, compressed, wrapped.
///
/// Every call that carries a value goes through the two functions, also those that compare: they read what is stored,
/// decode it, and compare the bytes that are stored in the instant of the write. Custom metadata and keys stay as they
/// are.
public struct TransformedDriver: StorageDriver {
    /// Makes one value of another; given the key too, so that a value can be bound to it.
    public typealias Transform = @Sendable (_ key: String, _ value: [UInt8]) throws -> [UInt8]

    let base: any StorageDriver
    private let encode: Transform
    private let decode: Transform
    /// The base's; what a value may have at most is less by the overhead.
    public let capabilities: Capabilities

    init(_ base: any StorageDriver, overhead: Int, encode: @escaping Transform, decode: @escaping Transform) {
        self.base = base
        self.encode = encode
        self.decode = decode
        var capabilities = base.capabilities
        capabilities.maximumValueBytes = capabilities.maximumValueBytes.map { max(0, $0 - overhead) }
        self.capabilities = capabilities
    }

    private init(_ base: any StorageDriver, like other: TransformedDriver) {
        self.base = base
        self.encode = other.encode
        self.decode = other.decode
        self.capabilities = other.capabilities
    }

    /// The base's name.
    public var name: String { self.base.name }

    /// The base's events.
    public var events: EventHub? { self.base.events }

    /// Reads and decodes.
    public func getItem(_ key: String) async throws(StorageError) -> [UInt8]? {
        try self.decoded(try await self.base.getItem(key), key)
    }

    /// Looks whether there is an item, whatever it holds.
    public func hasItem(_ key: String) async throws(StorageError) -> Bool {
        try await self.base.hasItem(key)
    }

    /// Reads and decodes.
    public func getItems(_ keys: [String]) async throws(StorageError) -> [[UInt8]?] {
        let stored = try await self.base.getItems(keys)
        var values: [[UInt8]?] = []
        values.reserveCapacity(stored.count)
        for (key, bytes) in zip(keys, stored) { values.append(try self.decoded(bytes, key)) }
        return values
    }

    /// Reads and decodes; the size is that of the decoded value.
    public func getEntries(_ keys: [String]) async throws(StorageError) -> [Entry?] {
        let stored = try await self.base.getEntries(keys)
        var entries: [Entry?] = []
        entries.reserveCapacity(stored.count)
        for (key, entry) in zip(keys, stored) {
            guard var entry, let value = try self.decoded(entry.value, key) else {
                entries.append(nil)
                continue
            }
            entry.value = value
            entry.meta.size = value.count
            entries.append(entry)
        }
        return entries
    }

    /// Encodes and stores.
    public func setItem(_ key: String, _ value: [UInt8], _ options: WriteOptions) async throws(StorageError) {
        let bytes = try self.encoded(value, key)
        try await self.base.setItem(key, bytes, options)
    }

    /// Removes the item, whatever it holds.
    public func removeItem(_ key: String) async throws(StorageError) -> Bool {
        try await self.base.removeItem(key)
    }

    /// Compares what the stored bytes decode to, then swaps if the stored bytes are still those.
    public func compareAndSwapItem(
        _ key: String,
        expected: [UInt8]?,
        replacement: [UInt8]?,
        _ options: WriteOptions
    ) async throws(StorageError) -> CompareAndSwapResult {
        let bytes = try replacement.map { value throws(StorageError) in try self.encoded(value, key) }
        var retries = SwapRetries()
        var stored = expected == nil ? nil : try await self.base.currentItem(key)
        while true {
            let current = try self.decoded(stored, key)
            guard current == expected else { return .mismatch(current: current) }
            switch try await self.base.compareAndSwapItem(key, expected: stored, replacement: bytes, options) {
            case .swapped: return .swapped
            case .mismatch(let other): stored = other
            }
            if try await retries.next(key) { stored = try await self.base.currentItem(key) }
        }
    }

    /// Gives the item a new lifetime.
    public func touchItem(_ key: String, ttl: TTL) async throws(StorageError) -> Bool {
        try await self.base.touchItem(key, ttl: ttl)
    }

    /// Keeps custom metadata, as it is.
    public func setMeta(_ key: String, _ fields: [UInt8]?) async throws(StorageError) -> Bool {
        try await self.base.setMeta(key, fields)
    }

    /// Encodes the values and writes them as the base does.
    public func apply(_ mutations: [Mutation]) async throws(StorageError) -> [Bool] {
        try await self.base.apply(try self.encoded(mutations))
    }

    /// Compares what the stored bytes decode to, then writes if they are still those.
    ///
    /// - Throws: ``StorageError/Code/conflict`` if others kept writing the same values anew for five seconds and 16
    ///   tries.
    public func commit(_ commit: Commit) async throws(StorageError) -> CommitOutcome {
        let mutations = try self.encoded(commit.mutations)
        var retries = SwapRetries()
        while true {
            var stored = Commit(mutations: mutations)
            var current = try await self.stored(commit.checks)[...]
            for (index, check) in commit.checks.enumerated() {
                guard case .bytes(let expected) = check.condition else {
                    stored.checks.append(check)
                    continue
                }
                let bytes = current.popFirst() ?? nil
                let value = try self.decoded(bytes, check.key)
                guard let bytes, value == expected else {
                    // The first that does not hold is reported, and those before have only been looked at in part.
                    if case .mismatch(let first, let bytes) = try await self.base.commit(Commit(checks: stored.checks))
                    {
                        let earlier = try self.decoded(bytes, commit.checks[first].key)
                        if !commit.checks[first].condition.holds(for: earlier) {
                            return .mismatch(index: first, current: earlier)
                        }
                    }
                    return .mismatch(index: index, current: value)
                }
                stored.checks.append(Commit.Check(check.key, .bytes(bytes)))
            }
            switch try await self.base.commit(stored) {
            case .committed(let found): return .committed(found: found)
            case .mismatch(let index, let bytes):
                let check = commit.checks[index]
                let current = try self.decoded(bytes, check.key)
                // The same value may be stored in other bytes by now.
                guard check.condition.holds(for: current) else { return .mismatch(index: index, current: current) }
            }
            _ = try await retries.next(commit.checks.first?.key ?? "")
        }
    }

    /// Returns the stored bytes of the items that are compared by their bytes, in one batch where reads are current.
    private func stored(_ checks: [Commit.Check]) async throws(StorageError) -> [[UInt8]?] {
        let keys = checks.compactMap { check in
            if case .bytes = check.condition { check.key } else { nil }
        }
        if keys.count > 1, !self.capabilities.contains(.readsMayBeOld) { return try await self.base.getItems(keys) }
        var values: [[UInt8]?] = []
        for key in keys { values.append(try await self.base.currentItem(key)) }
        return values
    }

    /// Removes what the base lists.
    public func clear(_ base: String) async throws(StorageError) -> Int {
        try await self.base.clear(base)
    }

    /// Lists what the base lists.
    public func getKeys(_ query: KeyQuery) async throws(StorageError) -> KeyPage {
        try await self.base.getKeys(query)
    }

    /// Starts the base's watching.
    public func startWatching() async throws(StorageError) {
        try await self.base.startWatching()
    }

    /// Limits the base.
    public func limited(to limit: Duration) throws(StorageError) -> any StorageDriver {
        TransformedDriver(try self.base.limited(to: limit), like: self)
    }

    /// Disposes of the base.
    public func dispose() async throws(StorageError) {
        try await self.base.dispose()
    }
}

extension TransformedDriver {
    private func encoded(_ value: [UInt8], _ key: String) throws(StorageError) -> [UInt8] {
        do { return try self.encode(key, value) } catch let error as StorageError { throw error.naming(key) } catch {
            throw StorageError(.encoding, "the value can't be transformed for storing", key: key, underlying: error)
        }
    }

    private func encoded(_ mutations: [Mutation]) throws(StorageError) -> [Mutation] {
        var result: [Mutation] = []
        result.reserveCapacity(mutations.count)
        for mutation in mutations {
            guard case .set(let key, let value, let options, let fields) = mutation else {
                result.append(mutation)
                continue
            }
            let bytes = try self.encoded(value, key)
            result.append(.set(key: key, value: bytes, options: options, fields: fields))
        }
        return result
    }

    private func decoded(_ bytes: [UInt8]?, _ key: String) throws(StorageError) -> [UInt8]? {
        guard let bytes else { return nil }
        do { return try self.decode(key, bytes) } catch let error as StorageError { throw error.naming(key) } catch {
            throw StorageError(
                .decoding,
                "the stored bytes are not what the driver's encoding makes; was the item written without it?",
                key: key, underlying: error)
        }
    }
}

extension StorageDriver {
    /// Returns a driver that stores what `encode` makes of a value, and hands out what `decode` makes of that again.
    ///
    ///     let sealed = driver.transformed(
    ///         encode: { key, value in try seal(value, boundTo: key) },
    ///         decode: { key, bytes in try open(bytes, boundTo: key) }
    ///     )
    ///
    /// `encode` may make other bytes of the same value each time. `overhead` is by how many bytes it makes a value
    /// longer at most, for engines with a limit. What `encode` throws becomes ``StorageError/Code/encoding``, what
    /// `decode` throws ``StorageError/Code/decoding``, unless it is a ``StorageError`` itself; the item stays then.
    /// Calls that compare read the item first.
    public func transformed(
        overhead: Int = 0,
        encode: @escaping TransformedDriver.Transform,
        decode: @escaping TransformedDriver.Transform
    ) -> TransformedDriver {
        TransformedDriver(self, overhead: overhead, encode: encode, decode: decode)
    }
}

extension StorageDriver where Self == TransformedDriver {
    /// A driver that stores what `encode` makes of a value; see ``StorageDriver/transformed(overhead:encode:decode:)``.
    public static func transformed(
        _ driver: some StorageDriver,
        overhead: Int = 0,
        encode: @escaping TransformedDriver.Transform,
        decode: @escaping TransformedDriver.Transform
    ) -> TransformedDriver {
        driver.transformed(overhead: overhead, encode: encode, decode: decode)
    }
}
