public import KVStorage

extension SQLiteDriver {
    /// Walks the primary key from the cursor, the last key looked at; subtrees that are too deep are skipped.
    ///
    /// Rows whose key is no normal key of valid UTF-8 are another program's and skipped, too.
    public func getKeys(_ query: KeyQuery) async throws(StorageError) -> KeyPage {
        try await self.readers.read { reader throws(StorageError) in
            try reader.inTransaction { () throws(StorageError) in try reader.getKeys(query, self.clock) }
        }
    }

    /// Removes the range of keys in one transaction; rows that ``getKeys(_:)`` skips stay.
    ///
    /// The log takes about as many bytes as are removed. On a disk without room for that, the range is removed in several
    /// transactions, from its beginning on.
    ///
    /// - Throws: `StorageError.Code.partlyDone` if one of several transactions failed after others were committed.
    public func clear(_ base: String) async throws(StorageError) -> Int {
        try await self.write(.clear(base: base), nil).number
    }
}

extension Reader {
    fileprivate func getKeys(_ query: KeyQuery, _ clock: any StorageClock) throws(StorageError) -> KeyPage {
        let limit = max(query.limit, 1)
        let end = Key.upperBound(ofBase: query.base.utf8)
        var start: [UInt8]? = try Key.start(of: query)
        var page = KeyPage(keys: [])
        // So that a page of mostly expired, too deep or foreign rows doesn't take forever.
        var budget = limit + min(1000, .max - limit)
        while let from = start {
            start = nil
            let isAtEnd = try self.scan(from: from, to: end) { bytes, deadline in
                budget -= 1
                guard let key = Key.name(bytes) else {
                    if budget <= 0 { page.cursor = Key.cursor(at: bytes) }
                    return budget > 0
                }
                page.cursor = key
                if let subtree = query.subtreeToSkip(at: key) {
                    start = Key.upperBound(ofBase: subtree.utf8)
                    return false
                }
                if !Self.isExpired(deadline, clock) { page.keys.append(key) }
                return page.keys.count < limit && budget > 0
            }
            if isAtEnd { page.cursor = nil }
            if budget <= 0 { break }
            // The bound of a subtree follows the key that was found in it; a listing must never go back.
            if let start, !Key.precedes(from, start) {
                throw StorageError(.inputOutput, "the listing could not go on; report this as a defect of the driver")
            }
        }
        return page
    }
}
