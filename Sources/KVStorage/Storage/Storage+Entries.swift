extension Storage {
    /// Returns the item's value with its metadata, both of one and the same write, or `nil` if it is absent.
    ///
    /// - Throws: ``StorageError/Code/decoding`` if the bytes are not of that type; the item stays.
    public func getEntry<Value: Decodable>(
        _ key: String,
        as type: Value.Type = Value.self
    ) async throws(StorageError) -> StorageEntry<Value>? {
        try await self.getEntries([key], as: type)[0]
    }

    /// Returns values with metadata in the order asked, one answer for each key, `nil` where there is none.
    ///
    /// Each entry is of one write. All are of one moment where the driver declares ``Capabilities/Feature/wholeReads``. Costs
    /// one read for each mount that keeps some of the keys.
    /// - Throws: ``StorageError/Code/decoding`` if one is not of that type.
    public func getEntries<Value: Decodable>(
        _ keys: [String],
        as type: Value.Type = Value.self
    ) async throws(StorageError) -> [StorageEntry<Value>?] {
        let found = try await self.readEntries(keys)
        var entries: [StorageEntry<Value>?] = []
        entries.reserveCapacity(keys.count)
        for (key, entry) in zip(keys, found) {
            guard let entry else {
                entries.append(nil)
                continue
            }
            let value = try self.values.decode(type, from: entry.value, key: normalizeKey(key))
            entries.append(StorageEntry(value: value, meta: entry.meta, bytes: entry.value))
        }
        return entries
    }

    /// Returns the item's bytes with its metadata, both of one and the same write, or `nil` if it is absent.
    public func getEntryRaw(_ key: String) async throws(StorageError) -> StorageEntry<[UInt8]>? {
        try await self.getEntriesRaw([key])[0]
    }

    /// Returns bytes with metadata in the order asked, as ``getEntries(_:as:)`` does values.
    public func getEntriesRaw(_ keys: [String]) async throws(StorageError) -> [StorageEntry<[UInt8]>?] {
        try await self.readEntries(keys).map { entry in
            entry.map { StorageEntry(value: $0.value, meta: $0.meta, bytes: $0.value) }
        }
    }

    private func readEntries(_ keys: [String]) async throws(StorageError) -> [Entry?] {
        let codec = self.values.codec
        return try await self.batch(keys) { driver, keys throws(StorageError) in
            try await driver.getEntries(keys).map { entry in
                var entry = entry
                entry?.meta.codec = codec
                return entry
            }
        }
    }
}
