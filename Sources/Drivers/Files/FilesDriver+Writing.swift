public import KVStorage

extension FilesDriver {
    /// Stores the bytes.
    public func setItem(_ key: String, _ value: [UInt8], _ options: WriteOptions) async throws(StorageError) {
        try await self.change(key, loadsValue: false) { [store] current in
            (store.write(value, over: current, options), ())
        }
    }

    /// Removes the item's file.
    public func removeItem(_ key: String) async throws(StorageError) -> Bool {
        try await self.change(key, loadsValue: false) { current in (.remove, current != nil) }
    }

    /// Replaces the item if its bytes are as expected.
    public func compareAndSwapItem(
        _ key: String,
        expected: [UInt8]?,
        replacement: [UInt8]?,
        _ options: WriteOptions
    ) async throws(StorageError) -> CompareAndSwapResult {
        try self.store.checkWritable(key)
        // Where many change one item most come too late, and need not wait for the lock to learn that.
        let seen = try await self.getItem(key)
        guard seen == expected else { return .mismatch(current: seen) }
        return try await self.change(key, loadsValue: true) { [store] current in
            guard current?.value == expected else { return (.nothing, .mismatch(current: current?.value)) }
            guard let replacement else { return (.remove, .swapped) }
            return (store.write(replacement, over: current, options), .swapped)
        }
    }

    /// Returns the item's bytes and removes its file.
    public func takeItem(_ key: String) async throws(StorageError) -> [UInt8]? {
        try await self.change(key, loadsValue: true) { current in (.remove, current?.value) }
    }

    /// Adds to the number that the item holds.
    public func incrementItem(
        _ key: String, by amount: Int, _ options: WriteOptions
    ) async throws(StorageError) -> Int {
        try await self.change(key, loadsValue: true) { [store] current throws(StorageError) in
            let (sum, bytes) = try StoredInteger.increment(current?.value, by: amount, key: key)
            return (store.write(bytes, over: current, options), sum)
        }
    }

    /// Gives the item a new lifetime; its file is written anew.
    public func touchItem(_ key: String, ttl: TTL) async throws(StorageError) -> Bool {
        if ttl.keepsDeadline { return try await self.hasItem(key) }
        return try await self.change(key, loadsValue: true) { [clock = self.store.configuration.clock] current in
            guard let current, let value = current.value else { return (.nothing, false) }
            let deadline = ttl.deadline(at: clock.now)
            return (
                .write(value, deadline: deadline, fields: current.record.fields, modified: current.status.modified),
                true
            )
        }
    }

    /// Keeps custom metadata; the item's file is written anew.
    public func setMeta(_ key: String, _ fields: [UInt8]?) async throws(StorageError) -> Bool {
        try await self.change(key, loadsValue: true) { current in
            guard let current, let value = current.value else { return (.nothing, false) }
            let deadline = current.record.deadline
            return (.write(value, deadline: deadline, fields: fields, modified: current.status.modified), true)
        }
    }

    /// Carries out the writes as one step, also if the process is killed in the middle; see ``commit(_:)`` for how, and for what
    /// readers see meanwhile. Of a key that comes twice the last write counts.
    ///
    /// Costs about as much as the writes one by one, and takes the locks of all keys for that long.
    /// - Throws: `StorageError.Code.unavailable` if another process keeps one of the locks for longer than
    ///   ``Configuration/busyTimeout``, `StorageError.Code.full` and others, all before anything is changed;
    ///   `StorageError.Code.inputOutput` if the disk fails when the writes hold already, which the message says.
    public func apply(_ mutations: [Mutation]) async throws(StorageError) -> [Bool] {
        guard case .committed(let found) = try await self.commit(Commit(mutations: mutations)) else { return [] }
        return zip(mutations, found).map { mutation, found in
            if case .set = mutation { true } else { found }
        }
    }

    /// Checks and writes under the locks of all keys, as one step that no other store and process comes between.
    ///
    /// What is written is prepared beside the items. Then a file in the folder `.%commit`, the intent, says what goes where, and
    /// its renaming is the moment from which on the commit holds; if the process dies after it, the next one that locks one
    /// of the keys, opens the store or sweeps it carries out what is left. A commit that changes one item is a rename, without
    /// an intent. Readers take no locks: they may see some items as they are after the commit and others as they were
    /// before, for as long as that is being carried out. A later commit that checks what they have read finds out.
    ///
    /// With ``Durability/powerLoss`` files, folders and intent are flushed in that order.
    /// - Throws: `StorageError.Code.unavailable` if another process keeps one of the locks for longer than
    ///   ``Configuration/busyTimeout``, `StorageError.Code.full` and others, all before anything is changed;
    ///   `StorageError.Code.inputOutput` if the disk fails when the commit holds already, which the message says.
    public func commit(_ commit: Commit) async throws(StorageError) -> CommitOutcome {
        for mutation in commit.mutations { try self.store.checkWritable(mutation.key) }
        let keys = commit.keys
        guard let key = keys.first else {
            return try self.store.reading { () throws(StorageError) in .committed(found: []) }
        }
        if self.store.configuration.readOnly {
            // Nothing is locked, so what is read has to be the same twice.
            return try self.store.reading { () throws(StorageError) in
                let first = try self.store.mismatch(commit.checks)
                let second = try self.store.mismatch(commit.checks)
                return second ?? first ?? .committed(found: [])
            }
        }
        if keys.allSatisfy({ keysEqual($0, key) }) { return try await self.commitOne(commit, key) }
        let result = try await self.store.commit(commit)
        if let deadline = result.deadline { self.scheduleSweep(deadline) }
        if let failure = result.failure { throw failure }
        return result.outcome
    }

    private func commitOne(_ commit: Commit, _ key: String) async throws(StorageError) -> CommitOutcome {
        let touches = commit.mutations.contains { if case .touch = $0 { true } else { false } }
        return try await self.change(key, loadsValue: touches || !commit.checks.isEmpty) { [store] current in
            if let index = commit.checks.firstIndex(where: { !$0.condition.holds(for: current?.value) }) {
                return (.nothing, .mismatch(index: index, current: current?.value))
            }
            var state = ItemState(
                current, at: store.configuration.clock.now, hasSystemClock: store.hasSystemClock)
            let found = commit.mutations.map { state.apply($0) }
            return (state.change, .committed(found: found))
        }
    }

    private func change<Result: Sendable>(
        _ key: String, loadsValue: Bool, _ decide: @escaping Store.Decision<Result>
    ) async throws(StorageError) -> Result {
        try self.store.checkWritable(key)
        let outcome = try await self.store.change(key, loadsValue: loadsValue, decide)
        if let deadline = outcome.deadline { self.scheduleSweep(deadline) }
        if let failure = outcome.failure { throw failure }
        return outcome.result
    }
}
