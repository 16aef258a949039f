import CKVStorageLMDB
public import KVStorage

extension LMDBDriver {
    /// Walks the keys in their order from the cursor, which stands for the last key looked at; subtrees that are too
    /// deep are skipped.
    ///
    /// Keys that are not UTF-8 or not in the normal form are another program's, and skipped.
    public func getKeys(_ query: KeyQuery) async throws(StorageError) -> KeyPage {
        let store = self.store
        return try await store.read { transaction throws(StorageError) in
            try transaction.withCursor(on: store.databases.items) { cursor throws(StorageError) in
                try cursor.page(query, store.clock)
            }
        }
    }

    /// Removes the items below the base in one transaction: all or none.
    ///
    /// Only where the disk or ``Configuration/maximumSize`` has no room for that transaction it is done in pieces, as
    /// small as they need be, each in a transaction of its own.
    /// - Throws: `StorageError.Code.full` if even removing a single item finds no room, and
    ///   `StorageError.Code.partlyDone` if anything went wrong after some pieces were removed; calling it again goes on.
    public func clear(_ base: String) async throws(StorageError) -> Int {
        do throws(StorageError) {
            return try await self.write(.clear(base: base), nil).number
        } catch {
            guard error.code == .full else { throw error }
        }
        return try await self.clearInPieces(base)
    }

    private func clearInPieces(_ base: String) async throws(StorageError) -> Int {
        var removed = 0
        var query = KeyQuery(base: base, limit: 256)
        do throws(StorageError) {
            while true {
                let page = try await self.getKeys(query)
                do throws(StorageError) {
                    removed += try await self.write(.apply(page.keys.map { .remove(key: $0) }), nil)
                        .each.count(where: \.self)
                } catch {
                    guard error.code == .full, page.keys.count > 1 else { throw error }
                    query.limit = max(query.limit / 2, 1)
                    continue
                }
                // What was removed makes room from the next transaction but one on.
                query.limit = min(query.limit * 2, 1000)
                guard let cursor = page.cursor else { return removed }
                query.cursor = cursor
            }
        } catch {
            guard removed > 0 else { throw error }
            throw StorageError(
                .partlyDone,
                "clearing removed \(removed) items, then failed: \(error.message); call it again to remove the rest",
                underlying: error.underlying
            )
        }
    }
}

extension Cursor {
    fileprivate func page(_ query: KeyQuery, _ clock: any StorageClock) throws(StorageError) -> KeyPage {
        try query.base.withBytes { base throws(StorageError) in
            let limit = max(query.limit, 1)
            var page = KeyPage(keys: [])
            // So that a page of mostly expired, too deep or foreign keys doesn't take forever.
            var budget = limit + min(1000, .max - limit)
            // What is read stays where it is until the transaction ends.
            var last: UnsafeRawBufferPointer?
            var next = try self.start(base, query.cursor)
            while let pair = next, pair.key.hasPrefix(base) {
                if let last, compareBytes(last, pair.key) >= 0 { throw Self.disordered }
                guard page.keys.count < limit, budget > 0 else {
                    page.cursor = last.map { ItemKey.cursor(after: $0) }
                    return page
                }
                budget -= 1
                last = pair.key
                let depth = query.maxDepth
                if let depth, let end = ItemKey.end(ofSubtreeOf: pair.key, deeperThan: depth) {
                    next = try end.withUnsafeBytesTyped { end throws(StorageError) in try self.seek(end) }
                    continue
                }
                // The base itself is no key below it.
                if pair.key.count > base.count, let key = ItemKey.name(pair.key),
                    try Record(pair.value).isLive(clock)
                {
                    page.keys.append(key)
                }
                next = try self.next()
            }
            return page
        }
    }

    /// Goes to the first key below the base that comes after the cursor.
    private func start(_ base: UnsafeRawBufferPointer, _ cursor: String?) throws(StorageError) -> Pair? {
        guard let cursor else { return try self.seek(base) }
        let position = try ItemKey.position(of: cursor)
        return try position.withUnsafeBytesTyped { position throws(StorageError) in
            // It never leads before the base.
            guard compareBytes(position, base) > 0 else { return try self.seek(base) }
            return try self.next(after: position)
        }
    }

    private static var disordered: StorageError {
        StorageError(.corrupted, "the environment's keys are out of order; restore it from a backup")
    }
}
