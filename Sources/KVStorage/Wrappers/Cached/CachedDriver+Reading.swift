extension CachedDriver {
    /// Returns the item's bytes, from the cache if it has them.
    public func getItem(_ key: String) async throws(StorageError) -> [UInt8]? {
        let (value, ticket) = self.cache.read(key, at: self.cache.clock.now) { $0.value }
        if let value { return value }
        return try await self.fetch([key], [ticket]).first??.value
    }

    /// Returns whether the item is there; asks the driver that alone if the cache does not have the item.
    public func hasItem(_ key: String) async throws(StorageError) -> Bool {
        let isThere = self.cache.read(key, at: self.cache.clock.now) { _ in true }.result
        if let isThere { return isThere }
        return try await self.wrapped.hasItem(key)
    }

    /// Returns what is known about the item; asks the driver that alone if the cache does not have the item.
    public func getMeta(_ key: String) async throws(StorageError) -> ItemMeta? {
        let now = self.cache.clock.now
        let meta = self.cache.read(key, at: now) { $0.meta.read(at: now) }.result
        if let meta { return meta }
        return try await self.wrapped.getMeta(key)
    }

    /// Returns the items in the order asked, from the cache if it has them.
    public func getItems(_ keys: [String]) async throws(StorageError) -> [[UInt8]?] {
        try await self.read(keys) { entry, _ in entry.value }
    }

    /// Returns the items with their metadata in the order asked, from the cache if it has them.
    public func getEntries(_ keys: [String]) async throws(StorageError) -> [Entry?] {
        try await self.read(keys) { entry, now in Entry(value: entry.value, meta: entry.meta.read(at: now)) }
    }

    private func read<Result: Sendable>(
        _ keys: [String],
        _ body: (Entry, Timestamp) -> Result
    ) async throws(StorageError) -> [Result?] {
        let now = self.cache.clock.now
        var results: [Result?] = []
        var tickets: [CacheShard.Ticket] = []
        var missing: [Int] = []
        for (position, key) in keys.enumerated() {
            let (result, ticket) = self.cache.read(key, at: now) { body($0, now) }
            results.append(result)
            tickets.append(ticket)
            if result == nil { missing.append(position) }
        }
        // What is of one moment is read as one: answers from the cache, if that had all of them at some moment.
        if self.readsWhole, keys.count > 1 {
            let isWhole = missing.isEmpty && zip(keys, tickets).allSatisfy { self.cache.isCurrent($0, $1) }
            if !isWhole { missing = Array(keys.indices) }
        }
        guard !missing.isEmpty else { return results }
        let entries = try await self.fetch(missing.map { keys[$0] }, missing.map { tickets[$0] })
        let later = self.cache.clock.now
        for (position, entry) in zip(missing, entries) { results[position] = entry.map { body($0, later) } }
        return results
    }

    /// Reads from the driver, together with whoever reads the same.
    private func fetch(
        _ keys: [String],
        _ tickets: [CacheShard.Ticket]
    ) async throws(StorageError) -> [Entry?] {
        let (seats, new) = self.flights.board(keys, tickets, isWhole: self.readsWhole)
        if let new { self.begin(new) }
        var entries: [Entry?] = []
        entries.reserveCapacity(keys.count)
        var last: (flight: Flight, entries: [Entry?])?
        for seat in seats {
            if last?.flight !== seat.flight {
                let landed = try await seat.flight.entries()
                last = (seat.flight, landed)
            }
            entries.append(last?.entries[seat.index] ?? nil)
        }
        // The deadline may have come while the answer was on its way.
        let now = self.cache.clock.now
        return entries.map { entry in entry.flatMap { $0.meta.deadline.map { $0 <= now } ?? false ? nil : $0 } }
    }

    private func begin(_ flight: Flight) {
        // Detached: it is neither cancelled with the task that happened to come first nor keeps its task-local values.
        Task.detached { [wrapped, cache, flights] in
            await cache.watch.begin(wrapped, cache)
            let isKept = cache.watch.allowsKeeping
            let start = cache.clock.now
            let outcome: Flight.Outcome
            do throws(StorageError) {
                let entries = try await wrapped.getEntries(flight.keys)
                outcome = entries.count == flight.keys.count ? .success(entries) : Self.wrongCount
                if isKept, entries.count == flight.keys.count {
                    for (index, key) in flight.keys.enumerated() {
                        guard let entry = entries[index] else { continue }
                        cache.fill(entry, key, ifStill: flight.tickets[index], from: start)
                    }
                }
            } catch {
                outcome = .failure(error)
            }
            flights.close(flight)
            flight.land(outcome)
        }
    }

    private static let wrongCount = Flight.Outcome.failure(
        StorageError(.corrupted, "the cached driver did not answer for each key; mend its getEntries"))
}

extension ItemMeta {
    /// Returns the same as it is when it is read at `now`, by which what remains of the lifetime is less.
    fileprivate func read(at now: Timestamp) -> ItemMeta {
        ItemMeta(
            mtime: self.mtime,
            atime: self.atime,
            birthtime: self.birthtime,
            deadline: self.deadline,
            asOf: now,
            size: self.size,
            fieldBytes: self.fieldBytes
        )
    }
}
