public import KVStorage

extension RedisDriver {
    /// Returns one page of keys, in no order.
    ///
    /// The server has no index: it looks at every key of the database, in steps of ``Configuration/scanCount`` that let
    /// others in between, and sends those that match. A listing remembers 16 bytes of each key that it gave out, as a
    /// server repeats some. One that is not continued for ten minutes ends.
    public func getKeys(_ query: KeyQuery) async throws(StorageError) -> KeyPage {
        guard let cursor = query.cursor else {
            let scan = RedisScan(pattern: self.keys.pattern(base: query.base))
            return try await self.page(query, RedisListings.Listing(scan: scan))
        }
        let listing = try self.listings.take(cursor)
        do {
            return try await self.page(query, listing)
        } catch {
            self.listings.putBack(listing, cursor)
            throw error
        }
    }

    private func page(_ query: KeyQuery, _ listing: RedisListings.Listing) async throws(StorageError) -> KeyPage {
        var listing = listing
        let limit = max(query.limit, 1)
        let earlier = Array(listing.found.suffix(limit))
        listing.found.removeLast(earlier.count)
        var keys = try await self.present(earlier)
        while keys.count < limit, !listing.scan.isComplete {
            for name in try await listing.scan.next(self.client, count: self.listings.scanCount) {
                guard let key = self.keys.item(name), query.matches(key) else { continue }
                guard listing.seen.insert(RedisListings.Fingerprint(name)).inserted else { continue }
                if keys.count < limit { keys.append(key) } else { listing.found.append(key) }
            }
        }
        if listing.scan.isComplete, listing.found.isEmpty { return KeyPage(keys: keys) }
        return KeyPage(keys: keys, cursor: self.listings.put(listing))
    }

    /// Returns those of the keys that are still there.
    private func present(_ keys: [String]) async throws(StorageError) -> [String] {
        guard !keys.isEmpty else { return [] }
        let reply = try await self.client.send(replies: keys.count + 2, isRepeatable: true) { writer in
            writer.encoded("*1\r\n$5\r\nMULTI\r\n")
            for key in keys {
                writer.encoded("*2\r\n$6\r\nEXISTS\r\n")
                self.keys.write(key, to: &writer)
            }
            writer.encoded("*1\r\n$4\r\nEXEC\r\n")
        }
        let answers = try reply.elements(count: keys.count, nil)
        return zip(keys, answers).filter { $0.1 != .integer(0) }.map(\.0)
    }

    /// Removes the items below `base` step by step, while the server's keys are walked over.
    public func clear(_ base: String) async throws(StorageError) -> Int {
        let query = KeyQuery(base: base)
        var scan = RedisScan(pattern: self.keys.pattern(base: base))
        var removed = 0
        while !scan.isComplete {
            let keys = try await scan.next(self.client, count: self.listings.scanCount)
                .compactMap(self.keys.item).filter(query.matches)
            guard !keys.isEmpty else { continue }
            let reply = try await self.client.send(replies: 4, isRepeatable: false) { writer in
                writer.encoded("*1\r\n$5\r\nMULTI\r\n")
                writer.begin(keys.count + 1)
                writer.word("UNLINK")
                for key in keys { self.keys.writeMeta(key, to: &writer) }
                writer.begin(keys.count + 1)
                writer.word("UNLINK")
                for key in keys { self.keys.write(key, to: &writer) }
                writer.encoded("*1\r\n$4\r\nEXEC\r\n")
            }
            removed += Int(try reply.elements(count: 2, nil)[1].integer(nil))
        }
        return removed
    }

    /// Subscribes to the server's notifications.
    ///
    /// - Throws: ``StorageError/Code/notSupported`` if the server has them off; see ``Configuration/watching``.
    public func startWatching() async throws(StorageError) {
        try await self.watcher?.start()
    }
}
