public import KVStorage

extension RedisDriver {
    /// Returns one page of keys, in no order.
    ///
    /// The server has no index: it looks at every key of the database, in steps of ``Configuration/scanCount`` that let
    /// others in between, and sends those that match. A listing remembers 16 bytes of each key that it gave out, as a
    /// server repeats some. One that is not continued for ten minutes ends.
    public func getKeys(_ query: KeyQuery) async throws(StorageError) -> KeyPage {
        guard let cursor = query.cursor else {
            var listing = RedisListings.Listing(scan: RedisScan(pattern: self.keys.pattern(base: query.base)))
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
        _ listing: inout RedisListings.Listing
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
                    guard listing.seen.insert(RedisListings.Fingerprint(name)).inserted else { continue }
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
        guard !keys.isEmpty else { return [] }
        let groups = self.client.groups(of: keys)
        let commands = groups.map { group in
            let names = group.map { keys[$0] }
            return RedisCommand(key: names[0], replies: .transaction(names.count + 2)) { [keys = self.keys] writer in
                writer.encoded("*1\r\n$5\r\nMULTI\r\n")
                for name in names {
                    writer.encoded("*2\r\n$6\r\nEXISTS\r\n")
                    keys.write(name, to: &writer)
                }
                writer.encoded("*1\r\n$4\r\nEXEC\r\n")
            }
        }
        let replies = try await self.client.sendEach(commands, isRepeatable: true)
        var isPresent = [Bool](repeating: false, count: keys.count)
        for (group, reply) in zip(groups, replies) {
            for (index, answer) in zip(group, try reply.elements(count: group.count, nil)) {
                isPresent[index] = try answer.integer(keys[index]) > 0
            }
        }
        return zip(keys, isPresent).filter(\.1).map(\.0)
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
        var scan = RedisScan(pattern: self.keys.pattern(base: base))
        while !scan.isComplete {
            let keys = try await scan.next(self.client, count: self.listings.scanCount)
                .compactMap(self.keys.item).filter(query.matches)
            guard !keys.isEmpty else { continue }
            let commands = self.client.groups(of: keys).map { group in
                let names = group.map { keys[$0] }
                return RedisCommand(key: names[0], replies: .transaction(4)) { [keys = self.keys] writer in
                    writer.encoded("*1\r\n$5\r\nMULTI\r\n")
                    writer.begin(names.count + 1)
                    writer.word("UNLINK")
                    for name in names { keys.writeMeta(name, to: &writer) }
                    writer.begin(names.count + 1)
                    writer.word("UNLINK")
                    for name in names { keys.write(name, to: &writer) }
                    writer.encoded("*1\r\n$4\r\nEXEC\r\n")
                }
            }
            for reply in try await self.client.sendEach(commands, isRepeatable: false) {
                removed += Int(try reply.elements(count: 2, nil)[1].integer(nil))
            }
        }
    }

    /// Subscribes to the server's notifications.
    ///
    /// - Throws: `StorageError.Code.notSupported` if the server has them off; see ``Configuration/watching``.
    public func startWatching() async throws(StorageError) {
        try await self.watcher?.start()
    }
}
