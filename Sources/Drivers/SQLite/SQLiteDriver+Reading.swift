public import KVStorage

extension SQLiteDriver {
    /// Reads the deadline alone.
    public func hasItem(_ key: String) async throws(StorageError) -> Bool {
        try await self.readers.read { reader throws(StorageError) in try reader.hasItem(key, self.clock) }
    }

    /// Reads on the caller's thread.
    public func getItem(_ key: String) async throws(StorageError) -> [UInt8]? {
        try await self.readers.read { reader throws(StorageError) in try reader.getItem(key, self.clock) }
    }

    /// Reads all in one transaction: the answers are of the same moment.
    public func getItems(_ keys: [String]) async throws(StorageError) -> [[UInt8]?] {
        try await self.readers.read { reader throws(StorageError) in try reader.getItems(keys, self.clock) }
    }

    /// Returns the times of creation and of the last write, what remains of the life time, the size and the custom fields.
    public func getMeta(_ key: String) async throws(StorageError) -> ItemMeta? {
        try await self.readers.read { reader throws(StorageError) in try reader.getMeta(key, self.clock) }
    }

    /// Walks the primary key from the cursor, the last key looked at; subtrees that are too deep are leapt over.
    public func getKeys(_ query: KeyQuery) async throws(StorageError) -> KeyPage {
        try await self.readers.read { reader throws(StorageError) in
            try reader.inTransaction { () throws(StorageError) in try reader.getKeys(query, self.clock) }
        }
    }
}

extension SQLiteReader {
    fileprivate func getKeys(_ query: KeyQuery, _ clock: any StorageClock) throws(StorageError) -> KeyPage {
        let limit = max(query.limit, 1)
        let end = keyUpperBound(ofBase: query.base)
        // Nothing comes between a string and the same with NUL behind it.
        var start: String? = query.cursor.map { $0 + "\0" } ?? query.base
        var page = KeyPage(keys: [])
        // So that a page of mostly expired or too deep keys doesn't take for ever.
        var budget = limit + min(1000, .max - limit)
        while let from = start {
            start = nil
            let isAtEnd = try self.scan(from: from, to: end) { key, deadline in
                budget -= 1
                page.cursor = key
                if let subtree = query.subtreeToSkip(at: key) {
                    start = keyUpperBound(ofBase: subtree)
                    return false
                }
                if !Self.isExpired(deadline, clock) { page.keys.append(key) }
                return page.keys.count < limit && budget > 0
            }
            if isAtEnd { page.cursor = nil }
            if budget <= 0 { break }
        }
        return page
    }
}
