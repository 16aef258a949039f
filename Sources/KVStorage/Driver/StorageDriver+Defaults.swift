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

    /// Reads the entry and drops its value.
    public func getMeta(_ key: String) async throws(StorageError) -> ItemMeta? {
        try await self.getEntries([key]).first??.meta
    }

    /// Writes one after the other; what came before a failure stays.
    public func apply(_ mutations: [Mutation]) async throws(StorageError) -> [Bool] {
        for mutation in mutations { try self.requireFields(of: mutation) }
        var found: [Bool] = []
        found.reserveCapacity(mutations.count)
        for mutation in mutations {
            switch mutation {
            case .set(let key, let value, let options, let fields):
                try await self.setItem(key, value, options)
                if case .replace(let bytes) = fields, self.capabilities.contains(.customMetadata) {
                    _ = try await self.setMeta(key, bytes)
                }
                found.append(true)
            case .remove(let key): found.append(try await self.removeItem(key))
            case .touch(let key, let ttl): found.append(try await self.touchItem(key, ttl: ttl))
            }
        }
        return found
    }

    /// Carries out the commit by compare-and-swap if it concerns one key and no custom metadata.
    ///
    /// - Throws: ``StorageError/Code/notSupported`` otherwise; ``StorageError/Code/conflict`` if others kept changing the item
    ///   for five seconds and 16 tries.
    public func commit(_ commit: Commit) async throws(StorageError) -> CommitOutcome {
        let keys = commit.keys
        guard let key = keys.first else { return .committed(found: []) }
        guard keys.allSatisfy({ keysEqual($0, key) }), commit.mutations.count <= 1 else {
            throw StorageError(
                .notSupported,
                "the \(self.name) driver commits one key at a time; use a driver that declares atomicCommit"
            )
        }
        for mutation in commit.mutations {
            try self.requireFields(of: mutation)
            guard case .set(_, _, _, .replace(_)) = mutation, self.capabilities.contains(.customMetadata) else {
                continue
            }
            throw StorageError(
                .notSupported,
                "the \(self.name) driver can't commit a value and custom metadata as one; write them one after the other",
                key: key
            )
        }
        return try await self.commitOne(commit, key)
    }

    private func commitOne(_ commit: Commit, _ key: String) async throws(StorageError) -> CommitOutcome {
        var retries = SwapRetries()
        var current = try await self.currentItem(key)
        while true {
            if let index = commit.checks.firstIndex(where: { !$0.condition.holds(for: current) }) {
                return .mismatch(index: index, current: current)
            }
            let result: CompareAndSwapResult
            switch commit.mutations.first {
            case nil: return .committed(found: [])
            case .set(_, let value, let options, _):
                result = try await self.compareAndSwapItem(key, expected: current, replacement: value, options)
            case .remove:
                result = try await self.compareAndSwapItem(
                    key, expected: current, replacement: nil, WriteOptions())
            case .touch(_, let ttl):
                result = try await self.compareAndSwapItem(
                    key, expected: current, replacement: current, WriteOptions(ttl: ttl))
            }
            switch result {
            case .swapped: return .committed(found: [current != nil])
            case .mismatch(let other): current = other
            }
            if try await retries.next(key) { current = try await self.currentItem(key) }
        }
    }

    /// Throws if the mutation keeps custom metadata and the driver can't.
    package func requireFields(of mutation: Mutation) throws(StorageError) {
        guard case .set(let key, _, _, .replace(_?)) = mutation, !self.capabilities.contains(.customMetadata) else {
            return
        }
        throw StorageError(
            .notSupported,
            "the \(self.name) driver keeps no custom metadata; keep it in an item of its own",
            key: key
        )
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
            if !page.keys.isEmpty {
                removed += try await self.apply(page.keys.map(Mutation.remove(key:))).count(where: \.self)
            }
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
