public import KVStorage

extension FilesDriver {
    /// Returns the item's bytes.
    public func getItem(_ key: String) async throws(StorageError) -> [UInt8]? {
        try self.store.reading { () throws(StorageError) in try self.store.item(key, loadsValue: true)?.value }
    }

    /// Returns whether the item is there, without reading its value.
    public func hasItem(_ key: String) async throws(StorageError) -> Bool {
        try self.store.reading { () throws(StorageError) in try self.store.item(key, loadsValue: false) != nil }
    }

    /// Returns the items' bytes, reading each file once.
    public func getItems(_ keys: [String]) async throws(StorageError) -> [[UInt8]?] {
        try self.store.reading { () throws(StorageError) in
            var values: [[UInt8]?] = []
            values.reserveCapacity(keys.count)
            for key in keys { values.append(try self.store.item(key, loadsValue: true)?.value) }
            return values
        }
    }

    /// Returns values with size, time of writing, lifetime and custom metadata, reading each file once.
    public func getEntries(_ keys: [String]) async throws(StorageError) -> [Entry?] {
        try self.store.reading { () throws(StorageError) in
            var entries: [Entry?] = []
            entries.reserveCapacity(keys.count)
            for key in keys {
                let item = try self.store.item(key, loadsValue: true)
                entries.append(item.flatMap { item in item.value.map { Entry(value: $0, meta: self.meta(item)) } })
            }
            return entries
        }
    }

    /// Returns size, time of writing, lifetime and custom metadata, without reading the value.
    ///
    /// Neither `atime` nor `birthtime`: most systems keep a file's time of access only coarsely (`relatime`), and the file of
    /// an item is made anew by every write.
    public func getMeta(_ key: String) async throws(StorageError) -> ItemMeta? {
        try self.store.reading { () throws(StorageError) in
            try self.store.item(key, loadsValue: false).map(self.meta)
        }
    }

    private func meta(_ item: StoredItem) -> ItemMeta {
        ItemMeta(
            mtime: item.status.modified,
            deadline: item.record.deadline,
            asOf: self.store.configuration.clock.now,
            size: item.record.valueCount,
            fieldBytes: item.record.fields
        )
    }
}
