extension OverlayDriver {
    /// Stores the bytes in the first layer.
    public func setItem(_ key: String, _ value: [UInt8], _ options: WriteOptions) async throws(StorageError) {
        if try await self.isPlain(key) { return try await self.top.setItem(key, value, options) }
        _ = try await self.commit(Commit(mutations: [.set(key: key, value: value, options: options)]))
    }

    /// Removes the item from the first layer and hides it in the others.
    public func removeItem(_ key: String) async throws(StorageError) -> Bool {
        if try await self.isPlain(key) { return try await self.top.removeItem(key) }
        return try await self.apply([.remove(key: key)]) == [true]
    }

    /// Replaces the item if its bytes are as expected, whichever layer has it.
    public func compareAndSwapItem(
        _ key: String,
        expected: [UInt8]?,
        replacement: [UInt8]?,
        _ options: WriteOptions
    ) async throws(StorageError) -> CompareAndSwapResult {
        if try await self.isPlain(key) {
            return try await self.top.compareAndSwapItem(key, expected: expected, replacement: replacement, options)
        }
        var commit = Commit(checks: [Commit.Check(key, expected.map { .bytes($0) } ?? .absent)])
        if let replacement {
            commit.mutations = [.set(key: key, value: replacement, options: options)]
        } else if expected != nil {
            commit.mutations = [.remove(key: key)]
        }
        switch try await self.commit(commit) {
        case .committed: return .swapped
        case .mismatch(_, let current): return .mismatch(current: current)
        }
    }

    /// Gives the item a new lifetime, in the first layer.
    public func touchItem(_ key: String, ttl: TTL) async throws(StorageError) -> Bool {
        if try await self.isPlain(key) { return try await self.top.touchItem(key, ttl: ttl) }
        return try await self.apply([.touch(key: key, ttl: ttl)]) == [true]
    }

    /// Returns the item's bytes and removes it, whichever layer has it.
    public func takeItem(_ key: String) async throws(StorageError) -> [UInt8]? {
        var retries = SwapRetries()
        while try await !self.isPlain(key) {
            guard let value = try await self.currentItem(key) else { return nil }
            let commit = Commit(checks: [Commit.Check(key, .bytes(value))], mutations: [.remove(key: key)])
            if case .committed = try await self.commit(commit) { return value }
            _ = try await retries.next(key)
        }
        return try await self.top.takeItem(key)
    }

    /// Adds to the number that the item holds, whichever layer has it.
    public func incrementItem(
        _ key: String,
        by amount: Int,
        _ options: WriteOptions
    ) async throws(StorageError) -> Int {
        var retries = SwapRetries()
        while try await !self.isPlain(key) {
            let current = try await self.currentItem(key)
            let (sum, bytes) = try StoredInteger.increment(current, by: amount, key: key)
            let swapped = try await self.compareAndSwapItem(key, expected: current, replacement: bytes, options)
            if swapped == .swapped { return sum }
            _ = try await retries.next(key)
        }
        return try await self.top.incrementItem(key, by: amount, options)
    }

    /// Keeps custom metadata, in the first layer.
    public func setMeta(_ key: String, _ fields: [UInt8]?) async throws(StorageError) -> Bool {
        var retries = SwapRetries()
        while try await !self.isPlain(key) {
            // What the first layer has of it hides the rest with other metadata as well as with these.
            if try await self.top.setMeta(key, fields) { return true }
            guard let entry = try await self.getEntries([key]).first ?? nil else { return false }
            // Should another have copied it meanwhile, that one's deadline stays.
            let options = WriteOptions(ttl: .keep(orElse: .forever))
            let copy = Mutation.set(key: key, value: entry.value, options: options, fields: .replace(fields))
            let check = Commit.Check(key, .bytes(entry.value))
            if case .committed = try await self.commit(Commit(checks: [check], mutations: [copy])) { return true }
            _ = try await retries.next(key)
        }
        return try await self.top.setMeta(key, fields)
    }

    /// Writes all as one commit of the first layer.
    public func apply(_ mutations: [Mutation]) async throws(StorageError) -> [Bool] {
        let below = try await self.below(mutations)
        var retries = SwapRetries()
        while true {
            let states = try await self.states(of: mutations.map(\.key), below)
            guard states.contains(where: { $0.value.isCovering }) else { return try await self.top.apply(mutations) }
            let folded = FoldedMutations(mutations, states)
            let outcome = try await self.commit(Commit(checks: folded.checks, mutations: folded.mutations), below)
            if case .committed(let found) = outcome { return folded.answers(found) }
            _ = try await retries.next(mutations.first?.key)
        }
    }

    /// Checks and writes as one commit of the first layer.
    public func commit(_ commit: Commit) async throws(StorageError) -> CommitOutcome {
        try await self.commit(commit, try await self.below(commit.mutations, checks: commit.checks))
    }

    private func commit(
        _ commit: Commit, _ below: [KeyIdentity: BelowState]
    ) async throws(StorageError) -> CommitOutcome {
        if below.isEmpty { return try await self.top.commit(commit) }
        var retries = SwapRetries()
        while true {
            let states = try await self.states(of: commit.keys, below)
            guard states.contains(where: { $0.value.isCovering }) else { return try await self.top.commit(commit) }
            for (index, check) in commit.checks.enumerated() {
                let current = states[KeyIdentity(check.key)]?.visible?.value
                guard check.condition.holds(for: current) else { return .mismatch(index: index, current: current) }
            }
            let keepsFields = self.capabilities.contains(.customMetadata)
            let plan = OverlayPlan(commit, states, keepsFields: keepsFields)
            self.hidings.begin(plan.hidings)
            do {
                let outcome = try await self.top.commit(plan.commit)
                if case .committed(let found) = outcome { return .committed(found: plan.answers(found)) }
                self.hidings.withdraw(plan.hidings)
            } catch {
                if !error.mayHaveChangedSomething { self.hidings.withdraw(plan.hidings) }
                throw error
            }
            _ = try await retries.next(commit.keys.first)
        }
    }
}

extension OverlayDriver {
    /// Whether what the first layer does with the key is all that there is to do: no lower layer has the item, or what
    /// it has is hidden already.
    ///
    /// - Throws: ``StorageError/Code/invalidKey`` if the key is too long to be hidden.
    private func isPlain(_ key: String) async throws(StorageError) -> Bool {
        if self.lower.isEmpty { return true }
        try self.requireRoom(for: key)
        var isBelow = false
        for layer in self.lower where !isBelow && layer.canHold(key) { isBelow = try await layer.hasItem(key) }
        guard isBelow else { return true }
        // Tombstones stay as long as what they hide.
        return try await self.top.hasItem(Tombstone.of(key))
    }

    private func requireRoom(for key: String) throws(StorageError) {
        guard !self.canHold(key) else { return }
        throw StorageError(
            .invalidKey,
            "the key has \(key.utf8.count) bytes, the overlay's first layer takes \(self.capabilities.maximumKeyBytes ?? 0) beside what hides the item below; use a shorter one",
            key: key
        )
    }

    /// Returns what the lower layers have of the keys; values only of those that are compared, touched or copied.
    private func below(
        _ mutations: [Mutation],
        checks: [Commit.Check] = []
    ) async throws(StorageError) -> [KeyIdentity: BelowState] {
        if self.lower.isEmpty { return [:] }
        for mutation in mutations { try self.requireRoom(for: mutation.key) }
        for check in checks { try self.requireRoom(for: check.key) }
        var needed = Set(checks.map { KeyIdentity($0.key) })
        for case .touch(let key, _) in mutations { needed.insert(KeyIdentity(key)) }
        let all = Set(mutations.map { KeyIdentity($0.key) }).union(needed)
        let keys = all.map(\.key)
        var below: [KeyIdentity: BelowState] = [:]
        for layer in self.lower {
            try await layer.forEachEntry(of: keys) { index, entry in
                let key = KeyIdentity(keys[index])
                if below[key] == nil {
                    let value = needed.contains(key) ? entry.value : []
                    below[key] = BelowState(entry: Entry(value: value, meta: entry.meta), deadline: entry.meta.deadline)
                } else {
                    below[key]?.add(entry.meta.deadline)
                }
            }
        }
        return below
    }

    /// Returns how the keys stand in the first layer and, those that are not hidden, below.
    private func states(
        of keys: [String],
        _ below: [KeyIdentity: BelowState]
    ) async throws(StorageError) -> [KeyIdentity: OverlayState] {
        let all = Array(Set(keys.map { KeyIdentity($0) }))
        let covering = all.filter { below[$0] != nil }
        if covering.isEmpty { return [:] }
        let asked = all.map(\.key) + covering.map { Tombstone.of($0.key) }
        let entries = try await self.top.getEntries(asked)
        var states: [KeyIdentity: OverlayState] = [:]
        for (key, entry) in zip(all, entries) { states[key] = OverlayState(top: entry, below: below[key]) }
        for (key, tombstone) in zip(covering, entries.dropFirst(all.count)) where tombstone != nil {
            states[key]?.below = nil
        }
        return states
    }
}
