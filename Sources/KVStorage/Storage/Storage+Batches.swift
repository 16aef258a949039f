extension Storage {
    /// Returns the values in the order asked, one for each key, `nil` where there is none.
    ///
    /// - Throws: ``StorageError/Code/decoding`` if one is not of that type.
    public func getItems<Value: Decodable>(
        _ keys: [String],
        as type: Value.Type = Value.self
    ) async throws(StorageError) -> [Value?] {
        let bytes = try await self.getItemsRaw(keys)
        var values: [Value?] = []
        values.reserveCapacity(keys.count)
        for (key, bytes) in zip(keys, bytes) {
            values.append(
                try bytes.map { bytes throws(StorageError) in
                    try self.values.decode(type, from: bytes, key: normalizeKey(key))
                })
        }
        return values
    }

    /// Returns the items' bytes in the order asked, one answer for each key, `nil` where there is none.
    public func getItemsRaw(_ keys: [String]) async throws(StorageError) -> [[UInt8]?] {
        try await self.batch(keys) { driver, keys throws(StorageError) in try await driver.getItems(keys) }
    }

    /// Asks each mount for those of the keys that it keeps, and puts the answers in the order asked.
    func batch<Answer>(
        _ keys: [String],
        isSecond: Bool = false,
        _ read: (any StorageDriver, [String]) async throws(StorageError) -> [Answer?]
    ) async throws(StorageError) -> [Answer?] {
        if self.limit == nil, let mount = self.core.onlyMount { return try await self.batch(keys, of: mount, read) }
        let groups = try self.grouped(keys)
        var answers = [Answer?](repeating: nil, count: groups.count == 1 ? 0 : keys.count)
        for group in groups {
            do {
                let found = try await read(group.mount.driver, group.keys)
                if groups.count == 1 { return found }
                for (position, answer) in zip(group.positions, found) { answers[position] = answer }
            } catch {
                guard !isSecond, self.hasMoved(group, after: error) else { throw group.located(error) }
                return try await self.batch(keys, isSecond: true, read)
            }
        }
        return answers
    }

    /// Asks the only mount there is, which keeps all keys under their full names.
    private func batch<Answer>(
        _ keys: [String],
        of mount: MountPoint,
        _ read: (any StorageDriver, [String]) async throws(StorageError) -> [Answer?]
    ) async throws(StorageError) -> [Answer?] {
        var full: [String] = []
        full.reserveCapacity(keys.count)
        for key in keys { full.append(try self.fullKey(key)) }
        guard !full.isEmpty else { return [] }
        do {
            return try await read(mount.driver, full)
        } catch {
            guard let key = error.key, full.contains(where: { keysEqual($0, key) }) else { throw error }
            throw error.naming(keyDroppingPrefix(key, self.base.utf8.count))
        }
    }

    /// Stores the values, replacing what was there; of a key that comes twice the last value counts.
    ///
    /// All or nothing for the items of one mount where its driver declares ``Capabilities/Feature/atomicCommit``. With several mounts
    /// those before the one that failed are written. Lifetimes are those of ``setItem(_:_:ttl:)``.
    @_disfavoredOverload
    public func setItems<Value: Encodable>(
        _ items: [(String, Value)],
        ttl: TTL = .default
    ) async throws(StorageError) {
        var raw: [(String, [UInt8])] = []
        raw.reserveCapacity(items.count)
        for (key, value) in items {
            raw.append((key, try self.values.encode(value, key: normalizeKey(key))))
        }
        try await self.setItemsRaw(raw, ttl: ttl)
    }

    /// Stores the values of a dictionary, as ``setItems(_:ttl:)`` does for a list.
    public func setItems<Value: Encodable>(_ items: [String: Value], ttl: TTL = .default) async throws(StorageError) {
        try await self.setItems(items.map { ($0.key, $0.value) }, ttl: ttl)
    }

    /// Stores the bytes as they are, as ``setItems(_:ttl:)-([String:Value],_)`` does for values.
    public func setItemsRaw(_ items: [(String, [UInt8])], ttl: TTL = .default) async throws(StorageError) {
        try ttl.validate()
        _ = try await self.apply(to: items.map(\.0)) { position, key, mount in
            .set(key: key, value: items[position].1, options: mount.options(ttl))
        }
    }

    /// Removes the items with their metadata and returns how many were there.
    ///
    /// All or nothing for the items of one mount where its driver declares ``Capabilities/Feature/atomicCommit``.
    @discardableResult
    public func removeItems(_ keys: [String]) async throws(StorageError) -> Int {
        try await self.apply(to: keys) { _, key, _ in .remove(key: key) }.count(where: \.self)
    }

    /// Makes the mutations mount by mount and returns what the drivers answered, in no particular order.
    func apply(
        to keys: [String],
        _ mutation: (_ position: Int, _ key: String, MountPoint) -> Mutation
    ) async throws(StorageError) -> [Bool] {
        var found: [Bool] = []
        var groups = try self.grouped(keys)[...]
        // The groups in front of this one are those of mounts that went while the batch ran.
        var secondCount = 0
        while let group = groups.popFirst() {
            do {
                found += try await group.apply(mutation)
            } catch {
                guard secondCount == 0, self.hasMoved(group, after: error) else { throw error }
                let again = try self.grouped(group.positions.map { keys[$0] }, at: group.positions)
                secondCount = again.count + 1
                groups = again + groups
            }
            secondCount = max(0, secondCount - 1)
        }
        return found
    }

    /// Whether the group's mount was unmounted meanwhile, so that its keys belong to another one now.
    private func hasMoved(_ group: Group, after error: StorageError) -> Bool {
        error.code == .closed && self.core.table.mount(at: group.mount.base)?.id != group.mount.id
    }

    /// The keys of a batch that one mount keeps.
    private struct Group {
        let mount: MountPoint
        var keys: [String] = []
        var names: [String] = []
        /// Where the keys stand in the batch.
        var positions: [Int] = []

        func apply(
            _ mutation: (_ position: Int, _ key: String, MountPoint) -> Mutation
        ) async throws(StorageError) -> [Bool] {
            let mutations = zip(self.positions, self.keys).map { mutation($0, $1, self.mount) }
            do { return try await self.mount.apply(mutations) } catch { throw self.located(error) }
        }

        func located(_ error: StorageError) -> StorageError {
            guard let key = error.key, let index = self.keys.firstIndex(where: { keysEqual($0, key) }) else {
                return error
            }
            return error.naming(self.names[index])
        }
    }

    /// Sorts the keys by mount, in the order in which the mounts come up.
    private func grouped(_ keys: [String], at positions: [Int]? = nil) throws(StorageError) -> [Group] {
        try self.core.checkOpen()
        let table = self.core.table
        var groups: [Group] = []
        var indices: [ObjectIdentifier: Int] = [:]
        for (index, key) in keys.enumerated() {
            let route = try self.route(key, in: table)
            let isFirst = groups.isEmpty || groups[groups.count - 1].mount.id != route.mount.id
            let last = isFirst ? indices[route.mount.id] ?? groups.count : groups.count - 1
            if last == groups.count {
                groups.append(Group(mount: try self.limited(route.mount)))
                indices[route.mount.id] = last
            }
            groups[last].keys.append(route.key)
            groups[last].names.append(route.name)
            groups[last].positions.append(positions?[index] ?? index)
        }
        return groups
    }
}
