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
        let groups = try self.grouped(keys)
        if groups.count == 1 { return try await groups[0].getItems() }
        var values = [[UInt8]?](repeating: nil, count: keys.count)
        for group in groups {
            let items = try await group.getItems()
            for (position, bytes) in zip(group.positions, items) { values[position] = bytes }
        }
        return values
    }

    /// Stores the values, replacing what was there; of a key that comes twice the last value counts.
    ///
    /// All or nothing for the items of one mount where its driver declares ``Capabilities/atomicBatch``. With several mounts
    /// those before the one that failed are written. Life times are those of ``setItem(_:_:ttl:keepTTL:)``.
    public func setItems<Value: Encodable>(
        _ items: [(String, Value)],
        ttl: Duration? = nil
    ) async throws(StorageError) {
        var raw: [(String, [UInt8])] = []
        raw.reserveCapacity(items.count)
        for (key, value) in items {
            raw.append((key, try self.values.encode(value, key: normalizeKey(key))))
        }
        try await self.setItemsRaw(raw, ttl: ttl)
    }

    /// Stores the values of a dictionary, as ``setItems(_:ttl:)`` does for a list.
    public func setItems<Value: Encodable>(_ items: [String: Value], ttl: Duration? = nil) async throws(StorageError) {
        try await self.setItems(items.map { ($0.key, $0.value) }, ttl: ttl)
    }

    /// Stores the bytes as they are, as ``setItems(_:ttl:)-([String:Value],_)`` does for values.
    public func setItemsRaw(_ items: [(String, [UInt8])], ttl: Duration? = nil) async throws(StorageError) {
        try Self.validate(ttl: ttl)
        for group in try self.grouped(items.map(\.0)) {
            let options = group.mount.options(ttl: ttl)
            _ = try await group.apply { position, key in
                .set(key: key, value: items[position].1, options: options)
            }
        }
    }

    /// Removes the items with their metadata and returns how many were there.
    ///
    /// All or nothing for the items of one mount where its driver declares ``Capabilities/atomicBatch``.
    @discardableResult
    public func removeItems(_ keys: [String]) async throws(StorageError) -> Int {
        var removed = 0
        for group in try self.grouped(keys) {
            removed += try await group.apply { _, key in .remove(key: key) }
        }
        return removed
    }

    /// The keys of a batch that one mount keeps.
    private struct Group {
        let mount: MountPoint
        var keys: [String] = []
        var names: [String] = []
        /// Where the keys stand in the batch.
        var positions: [Int] = []

        func getItems() async throws(StorageError) -> [[UInt8]?] {
            do { return try await self.mount.driver.getItems(self.keys) } catch { throw self.located(error) }
        }

        func apply(_ mutation: (_ position: Int, _ key: String) -> Mutation) async throws(StorageError) -> Int {
            let mutations = zip(self.positions, self.keys).map(mutation)
            let removed: Int
            do { removed = try await self.mount.driver.apply(mutations) } catch { throw self.located(error) }
            for mutation in mutations {
                switch mutation {
                case .set(let key, _, _): self.mount.emit(.update(key))
                case .remove(let key): self.mount.emit(.remove(key))
                }
            }
            return removed
        }

        private func located(_ error: StorageError) -> StorageError {
            guard let key = error.key, let index = self.keys.firstIndex(where: { keysEqual($0, key) }) else {
                return error
            }
            return error.naming(self.names[index])
        }
    }

    /// Sorts the keys by mount, in the order in which the mounts come up.
    private func grouped(_ keys: [String]) throws(StorageError) -> [Group] {
        let table = self.core.table
        var groups: [Group] = []
        for (position, key) in keys.enumerated() {
            let route = try self.route(key, in: table)
            let index: Int
            if let existing = groups.firstIndex(where: { $0.mount === route.mount }) {
                index = existing
            } else {
                index = groups.count
                groups.append(Group(mount: route.mount))
            }
            groups[index].keys.append(route.key)
            groups[index].names.append(route.name)
            groups[index].positions.append(position)
        }
        return groups
    }
}
