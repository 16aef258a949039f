public import KVStorage

extension SQLiteDriver {
    /// Reads on the caller's thread.
    public func getItem(_ key: String) async throws(StorageError) -> [UInt8]? {
        try await self.readers.read { reader throws(StorageError) in try reader.getItem(key, self.clock) }
    }

    /// Reads the deadline alone.
    public func hasItem(_ key: String) async throws(StorageError) -> Bool {
        try await self.readers.read { reader throws(StorageError) in try reader.hasItem(key, self.clock) }
    }

    /// Reads all in one transaction: the answers are of the same moment.
    public func getItems(_ keys: [String]) async throws(StorageError) -> [[UInt8]?] {
        try await self.readers.read { reader throws(StorageError) in try reader.getItems(keys, self.clock) }
    }

    /// Reads each by one statement, and all in one transaction: the answers are of the same moment.
    public func getEntries(_ keys: [String]) async throws(StorageError) -> [Entry?] {
        try await self.readers.read { reader throws(StorageError) in try reader.getEntries(keys, self.clock) }
    }

    /// Reads the times of creation and of the last write, the deadline, the size and the custom fields, and no value.
    public func getMeta(_ key: String) async throws(StorageError) -> ItemMeta? {
        try await self.readers.read { reader throws(StorageError) in try reader.getMeta(key, self.clock) }
    }
}
