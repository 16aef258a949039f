/// What the body of ``Storage/transaction(_:_:)`` reads and writes by.
///
/// A key is read once: later reads of it come from the transaction, its own writes included. Nothing is written before the
/// body has returned. Keys are relative to the transaction's base and all in one mount.
public struct StorageTransaction {
    private let storage: Storage
    private let turn: TransactionTurn
    /// Whether reads have to be as of now, as those before were not.
    private let readsCurrent: Bool
    private(set) var mount: MountPoint?
    private var reads: [KeyIdentity: [UInt8]?] = [:]
    private var readKeys: [String] = []
    private var readCount = 0
    private var writes: [KeyIdentity: Mutation] = [:]
    private var writtenKeys: [String] = []

    init(_ storage: Storage, _ turn: TransactionTurn, readsCurrent: Bool) {
        self.storage = storage
        self.turn = turn
        self.readsCurrent = readsCurrent
    }

    /// Returns the item's value, or `nil` if it is absent.
    ///
    /// - Throws: ``StorageError/Code/decoding`` if the bytes are not of that type; ``StorageError/Code/notSupported`` for a key
    ///   of another mount than those before.
    public mutating func getItem<Value: Decodable>(
        _ key: String,
        as type: Value.Type = Value.self
    ) async throws(StorageError) -> Value? {
        let route = try self.route(key)
        guard let bytes = try await self.read([route])[0] else { return nil }
        return try self.storage.values.decode(type, from: bytes, key: route.name)
    }

    /// Returns the values in the order asked, `nil` where there is none; one read of the driver for those not read yet.
    ///
    /// - Throws: As ``getItem(_:as:)``.
    public mutating func getItems<Value: Decodable>(
        _ keys: [String],
        as type: Value.Type = Value.self
    ) async throws(StorageError) -> [Value?] {
        var routes: [Storage.Route] = []
        for key in keys { routes.append(try self.route(key)) }
        let found = try await self.read(routes)
        var values: [Value?] = []
        for (route, bytes) in zip(routes, found) {
            guard let bytes else {
                values.append(nil)
                continue
            }
            values.append(try self.storage.values.decode(type, from: bytes, key: route.name))
        }
        return values
    }

    /// Stores the value when the transaction is committed; `nil` removes the item.
    ///
    /// - Throws: ``StorageError/Code/encoding``, ``StorageError/Code/invalidOption`` if `ttl` is not positive,
    ///   ``StorageError/Code/notSupported`` for a key of another mount than those before.
    public mutating func setItem<Value: Encodable>(
        _ key: String,
        _ value: Value?,
        ttl: TTL = .default
    ) throws(StorageError) {
        guard let value else { return try self.removeItem(key) }
        try ttl.validate()
        let route = try self.route(key)
        let bytes = try self.storage.values.encode(value, key: route.name)
        self.write(.set(key: route.key, value: bytes, options: route.mount.options(ttl)))
    }

    /// Removes the item with its metadata when the transaction is committed.
    ///
    /// - Throws: ``StorageError/Code/notSupported`` for a key of another mount than those before.
    public mutating func removeItem(_ key: String) throws(StorageError) {
        let route = try self.route(key)
        self.write(.remove(key: route.key))
    }
}

extension StorageTransaction {
    /// All keys that were read or written, as the driver knows them.
    var keys: [String] { self.readKeys + self.writtenKeys.filter { self.reads[KeyIdentity($0)] == nil } }

    /// Writes if everything that was read still holds, and returns whether it did.
    ///
    /// - Parameter writes: Whether to write; else it is only looked whether the reads still hold.
    func commit(writes: Bool = true) async throws(StorageError) -> Bool {
        let mutations = writes ? self.writtenKeys.compactMap { self.writes[KeyIdentity($0)] } : []
        guard let mount = self.mount, !mutations.isEmpty || !self.isOfOneMoment else { return true }
        let checks = self.readKeys.map { key -> Commit.Check in
            guard let bytes = self.reads[KeyIdentity(key)] ?? nil else { return Commit.Check(key, .absent) }
            return Commit.Check(key, .bytes(bytes))
        }
        do {
            switch try await mount.commit(Commit(checks: checks, mutations: mutations)) {
            case .committed: return true
            case .mismatch: return false
            }
        } catch { throw self.storage.located(error, mount) }
    }

    /// Whether what was read was all there at one moment, so that nothing has to be looked at again.
    private var isOfOneMoment: Bool {
        guard let capabilities = self.mount?.driver.capabilities else { return true }
        if self.readKeys.isEmpty { return true }
        guard !capabilities.contains(.readsMayBeOld) else { return false }
        return self.readKeys.count == 1 || self.readCount == 1 && capabilities.contains(.wholeReads)
    }

    private mutating func route(_ key: String) throws(StorageError) -> Storage.Route {
        let route = try self.storage.route(key)
        guard let mount = self.mount else {
            self.mount = route.mount
            return route
        }
        guard mount.id == route.mount.id else {
            throw StorageError(
                .notSupported,
                "the keys of a transaction have to be in one mount, this one is in another; split the transaction",
                key: route.name
            )
        }
        return route
    }

    private mutating func write(_ mutation: Mutation) {
        if self.writes.updateValue(mutation, forKey: KeyIdentity(mutation.key)) == nil {
            self.writtenKeys.append(mutation.key)
        }
    }

    /// Returns the bytes of each, from the transaction where it has them.
    private mutating func read(_ routes: [Storage.Route]) async throws(StorageError) -> [[UInt8]?] {
        var missing: [String] = []
        for route in routes {
            let identity = KeyIdentity(route.key)
            guard self.writes[identity] == nil, self.reads[identity] == nil else { continue }
            if !missing.contains(where: { keysEqual($0, route.key) }) { missing.append(route.key) }
        }
        if let first = missing.first, let mount = self.mount {
            try await self.turn.begin(first, in: mount)
            let found: [[UInt8]?]
            do { found = try await self.load(missing, mount) } catch { throw self.storage.located(error, mount) }
            for (key, bytes) in zip(missing, found) {
                self.reads[KeyIdentity(key)] = .some(bytes)
                self.readKeys.append(key)
            }
            self.readCount += 1
        }
        return routes.map { route in
            let identity = KeyIdentity(route.key)
            if case .set(_, let bytes, _, _) = self.writes[identity] { return bytes }
            if self.writes[identity] != nil { return nil }
            return self.reads[identity] ?? nil
        }
    }

    private func load(_ keys: [String], _ mount: MountPoint) async throws(StorageError) -> [[UInt8]?] {
        if !self.readsCurrent || !mount.driver.capabilities.contains(.readsMayBeOld) {
            if keys.count > 1 { return try await mount.driver.getItems(keys) }
            return [try await mount.driver.getItem(keys[0])]
        }
        var values: [[UInt8]?] = []
        for key in keys { values.append(try await mount.driver.currentItem(key)) }
        return values
    }
}
