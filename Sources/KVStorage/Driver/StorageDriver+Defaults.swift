extension StorageDriver {
    /// Reads the item and looks whether there was one.
    public func hasItem(_ key: String) async throws(StorageError) -> Bool {
        try await self.getItem(key) != nil
    }

    /// Reads one after the other.
    public func getItems(_ keys: [String]) async throws(StorageError) -> [[UInt8]?] {
        var values: [[UInt8]?] = []
        values.reserveCapacity(keys.count)
        for key in keys {
            values.append(try await self.getItem(key))
        }
        return values
    }

    /// Writes one after the other; what came before a failure stays.
    public func apply(_ mutations: [Mutation]) async throws(StorageError) -> Int {
        var removed = 0
        for mutation in mutations {
            switch mutation {
            case .set(let key, let value, let options):
                try await self.setItem(key, value, options)
            case .remove(let key):
                if try await self.removeItem(key) { removed += 1 }
            }
        }
        return removed
    }

    /// Reads, then removes by compare-and-swap until nobody came between.
    ///
    /// - Throws: ``StorageError/Code/conflict`` if others kept changing the item for five seconds and 16 tries.
    public func takeItem(_ key: String) async throws(StorageError) -> [UInt8]? {
        var retries = SwapRetries()
        var current = try await self.currentItem(key)
        while let value = current {
            switch try await self.compareAndSwapItem(key, expected: value, replacement: nil, WriteOptions()) {
            case .swapped: return value
            case .mismatch(let other): current = other
            }
            if try await retries.next(key) { current = try await self.currentItem(key) }
        }
        return nil
    }

    /// Reads, then writes by compare-and-swap until nobody came between.
    ///
    /// - Throws: ``StorageError/Code/conflict`` if others kept changing the item for five seconds and 16 tries.
    public func incrementItem(
        _ key: String,
        by amount: Int,
        _ options: WriteOptions
    ) async throws(StorageError) -> Int {
        var retries = SwapRetries()
        var current = try await self.currentItem(key)
        while true {
            let (sum, bytes) = try StoredInteger.increment(current, by: amount, key: key)
            switch try await self.compareAndSwapItem(key, expected: current, replacement: bytes, options) {
            case .swapped: return sum
            case .mismatch(let other): current = other
            }
            if try await retries.next(key) { current = try await self.currentItem(key) }
        }
    }

    /// Refuses.
    public func setMeta(_ key: String, _ fields: [UInt8]?) async throws(StorageError) -> Bool {
        throw StorageError(
            .notSupported,
            "the \(self.name) driver keeps no custom metadata; keep it in an item of its own",
            key: key
        )
    }

    /// Lists page by page and removes what was listed.
    ///
    /// - Throws: ``StorageError/Code/partlyDone`` if it ends early after some items were removed, because the task was
    ///   cancelled or the listing does not get on; what the engine throws passes through.
    public func clear(_ base: String) async throws(StorageError) -> Int {
        var query = KeyQuery(base: base)
        var progress = ListingProgress()
        var removed = 0
        while true {
            let page = try await self.getKeys(query)
            if !page.keys.isEmpty { removed += try await self.apply(page.keys.map(Mutation.remove(key:))) }
            do {
                guard try progress.advance(&query, past: page, self.name) else { return removed }
            } catch {
                throw error.afterPart("\(removed) items were removed", isDone: removed > 0)
            }
        }
    }

    /// None: ``Storage`` tells of the writes that go through it.
    public var events: EventHub? { nil }

    /// Does nothing.
    public func startWatching() async throws(StorageError) {}

    /// Refuses: most engines can't end a call that has begun.
    public func limited(to limit: Duration) throws(StorageError) -> any StorageDriver {
        throw StorageError(
            .notSupported,
            "the \(self.name) driver has no time limit for a single call; call without `timeLimit`, or use a driver over a network"
        )
    }
}
