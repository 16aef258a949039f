extension MemoryDriver {
    /// Carries out the writes while all shards concerned are locked, so that nobody sees a part of them.
    ///
    /// - Throws: ``StorageError/Code/tooLarge`` if the items are more than the store may hold; none is written then.
    public func apply(_ mutations: [Mutation]) async throws(StorageError) -> [Bool] {
        let now = self.store.clock.now
        let outcome = try self.store.shards(of: mutations.map(\.key)) { locked throws(StorageError) in
            try self.write(mutations, &locked, now)
        }
        self.finish(mutations, outcome)
        return zip(mutations, outcome.found).map { mutation, found in
            if case .set = mutation { true } else { found }
        }
    }

    /// Checks and writes while all shards concerned are locked.
    ///
    /// - Throws: ``StorageError/Code/tooLarge`` if the items are more than the store may hold; none is written then.
    public func commit(_ commit: Commit) async throws(StorageError) -> CommitOutcome {
        let now = self.store.clock.now
        let (result, outcome) = try self.store.shards(of: commit.keys) {
            locked throws(StorageError) -> (CommitOutcome, BatchOutcome) in
            for (index, check) in commit.checks.enumerated() {
                let current = try locked.shard(of: check.key) { shard, hash throws(StorageError) -> [UInt8]? in
                    try shard.checkOpen()
                    return shard.find(check.key, hash, at: now).map { shard.use($0) }
                }
                guard check.condition.holds(for: current ?? nil) else {
                    return (.mismatch(index: index, current: current ?? nil), BatchOutcome())
                }
            }
            let outcome = try self.write(commit.mutations, &locked, now)
            return (.committed(found: outcome.found), outcome)
        }
        self.finish(commit.mutations, outcome)
        return result
    }

    /// What a batch did.
    private struct BatchOutcome: Sendable {
        /// Whether each mutation's item was there before it.
        var found: [Bool] = []
        /// The earliest deadline that was written.
        var deadline: Timestamp?
    }

    private func write(
        _ mutations: [Mutation],
        _ locked: inout MemoryStore.LockedShards,
        _ now: Timestamp
    ) throws(StorageError) -> BatchOutcome {
        try self.requireRoom(for: mutations, &locked, now)
        var outcome = BatchOutcome()
        outcome.found.reserveCapacity(mutations.count)
        for mutation in mutations {
            let change = try locked.shard(of: mutation.key) { shard, hash throws(StorageError) -> MemoryShard.Change in
                try shard.apply(mutation, hash, now)
            }
            guard let change else { continue }
            outcome.found.append(change.found)
            if let deadline = change.deadline { outcome.deadline = min(outcome.deadline ?? deadline, deadline) }
            switch mutation {
            case .set(let key, _, _, _): self.store.events.post(.update(key))
            case .touch(let key, _): if change.found { self.store.events.post(.update(key)) }
            case .remove(let key): if change.found { self.store.events.post(.remove(key, .removed)) }
            }
        }
        return outcome
    }

    private func finish(_ mutations: [Mutation], _ outcome: BatchOutcome) {
        self.store.events.flush()
        if let deadline = outcome.deadline { self.sweeper.schedule(deadline) }
        self.store.evictIfNeeded(sparing: mutations)
    }

    /// Throws before anything is written if the store is closed or the batch is larger than all of it.
    private func requireRoom(
        for mutations: [Mutation],
        _ locked: inout MemoryStore.LockedShards,
        _ now: Timestamp
    ) throws(StorageError) {
        let isCounting = self.store.usage.isCounting
        var sizes: [KeyIdentity: Int] = [:]
        for mutation in mutations {
            let size = try locked.shard(of: mutation.key) { shard, hash throws(StorageError) -> Int in
                try shard.checkOpen()
                return isCounting ? try shard.size(after: mutation, hash, now) : 0
            }
            // Of a key that comes twice the last counts.
            if isCounting { sizes[KeyIdentity(mutation.key)] = size }
        }
        guard isCounting else { return }
        let stored = sizes.values.filter { $0 > 0 }
        try self.store.usage.requireRoom(items: stored.count, bytes: stored.reduce(0, +))
    }
}
