public import KVStorage

extension RedisDriver {
    /// Returns one page of keys, in no order.
    ///
    /// The server has no index: it looks at every key of the database, in steps of ``Configuration/scanCount`` that let
    /// others in between, and sends those that match. A listing remembers 16 bytes of each key that it gave out, as a
    /// server repeats some. One that is not continued for ten minutes ends.
    public func getKeys(_ query: KeyQuery) async throws(StorageError) -> KeyPage {
        guard let cursor = query.cursor else {
            var listing = Listings.Listing(scan: Scan(pattern: self.keys.pattern(base: query.base)))
            return try await self.page(query, &listing)
        }
        var listing = try self.listings.take(cursor)
        do {
            return try await self.page(query, &listing)
        } catch {
            self.listings.putBack(listing, cursor)
            throw error
        }
    }

    /// Returns the next page. What was found for it when it can't be completed is the next one's.
    private func page(
        _ query: KeyQuery,
        _ listing: inout Listings.Listing
    ) async throws(StorageError) -> KeyPage {
        let limit = max(query.limit, 1)
        var keys: [String] = []
        do throws(StorageError) {
            while keys.count < limit {
                let earlier = Array(listing.found.suffix(limit - keys.count))
                if !earlier.isEmpty {
                    keys += try await self.present(earlier)
                    listing.found.removeLast(earlier.count)
                    continue
                }
                guard !listing.scan.isComplete else { break }
                for name in try await listing.scan.next(self.client, count: self.listings.scanCount) {
                    guard let key = self.keys.item(name), query.matches(key) else { continue }
                    guard listing.seen.insert(Listings.Fingerprint(name)).inserted else { continue }
                    if keys.count < limit { keys.append(key) } else { listing.found.append(key) }
                }
            }
        } catch {
            listing.found += keys
            throw error
        }
        if listing.scan.isComplete, listing.found.isEmpty { return KeyPage(keys: keys) }
        return KeyPage(keys: keys, cursor: self.listings.put(listing))
    }

    /// Returns those of the keys that are still there.
    private func present(_ keys: [String]) async throws(StorageError) -> [String] {
        // One by one, in one round trip: a command on several keys would wait for the end of a slot's move.
        let commands = keys.map { key in
            Command(key: key) { [keys = self.keys] writer in
                writer.encoded("*2\r\n$6\r\nEXISTS\r\n")
                keys.write(key, to: &writer)
            }
        }
        let replies = try await self.client.sendEach(commands, isRepeatable: true)
        var present: [String] = []
        for (key, reply) in zip(keys, replies) where try reply.integer(key) > 0 { present.append(key) }
        return present
    }

    /// Removes the items below `base` step by step, while the server's keys are walked over.
    ///
    /// - Throws: `StorageError.Code.partlyDone` if it can't go on after some items were removed.
    public func clear(_ base: String) async throws(StorageError) -> Int {
        var removed = 0
        do throws(StorageError) {
            try await self.clear(base, &removed)
        } catch {
            guard removed > 0 else { throw error }
            throw StorageError(
                .partlyDone, "\(removed) items were removed, and then it could not go on: \(error.message)",
                underlying: error)
        }
        return removed
    }

    private func clear(_ base: String, _ removed: inout Int) async throws(StorageError) {
        let query = KeyQuery(base: base)
        var scan = Scan(pattern: self.keys.pattern(base: base))
        while !scan.isComplete {
            let keys = try await scan.next(self.client, count: self.listings.scanCount)
                .compactMap(self.keys.item).filter(query.matches)
            guard !keys.isEmpty else { continue }
            let commands = self.client.groups(of: keys).map { group in self.removal(of: group.map { keys[$0] }) }
            for reply in try await self.client.runEach(commands, isRepeatable: false) {
                removed += Int(try reply.integer(nil))
            }
        }
    }

    /// Removes items with their metadata in one step; all of them are on one node.
    private func removal(of keys: [String]) -> Command {
        guard self.customMetadata else { return Command(key: keys[0]) { self.writeUnlink(keys, to: &$0) } }
        return Command(key: keys[0], .removeAll, words: 2 * keys.count) { writer in
            writer.word(Int64(2 * keys.count))
            for key in keys { self.keys.write(key, to: &writer) }
            for key in keys { self.keys.writeMeta(key, to: &writer) }
        }
    }
}
