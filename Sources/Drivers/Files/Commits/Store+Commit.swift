import KVStorage

/// Commits of several keys.
///
/// The locks of all keys are taken, the checks evaluated, and everything prepared beside the items. A commit that changes one
/// item is a rename then, as any write. Of several items nothing has changed until the intent, which says what goes where,
/// gets its final name; from then on the commit holds, and whoever finds the intent carries it out. So a process that dies
/// leaves a commit undone or one that is completed: by the next one to lock one of its keys, to open the store, or to sweep.
extension Store {
    /// How many items are written without going over to a thread that may be kept for long.
    private static let inPlaceLimit = 32

    /// Evaluates the checks and carries out the mutations; of a key that comes twice the last one counts.
    func commit(_ commit: Commit) async throws(StorageError) -> CommitResult {
        for key in commit.keys { _ = try self.mapping.path(of: key) }
        try self.gate.enter()
        defer { self.gate.leave() }
        try self.look()
        let runsElsewhere = self.isDurable || commit.mutations.count > Self.inPlaceLimit
        var others: [String] = []
        var sawLeftovers = false
        for _ in 0..<Self.attemptLimit {
            let epoch = self.folder.epoch
            let taken = try await self.locks.lock(
                commit.keys + others, for: self.configuration.busyTimeout, isLong: self.isDurable)
            guard let held = taken else {
                guard try self.renewBase(makes: true) else { throw Self.conflict(commit.keys[0]) }
                continue
            }
            defer { self.locks.unlock(held) }
            if self.mayHaveLeftovers(held) { sawLeftovers = try await self.completeLeftovers(held) || sawLeftovers }
            let attempt: CommitAttempt
            if runsElsewhere {
                attempt = try await BlockingPool.shared.run { () throws(StorageError) in
                    try self.attempt(commit, held, epoch)
                }
            } else {
                attempt = try self.attempt(commit, held, epoch)
            }
            switch attempt {
            case .done(var result):
                for event in result.events { self.folder.events.emit(event) }
                // What is left of other keys is the sweeper's, and so is what could not be carried out.
                if sawLeftovers || result.failure != nil { result.deadline = self.configuration.clock.now }
                return result
            case .interrupted(.alsoLock(let other)): others.append(other)
            case .interrupted: if self.folder.isRemoved { _ = try self.renewBase(makes: true) }
            }
        }
        throw Self.conflict(commit.keys[0])
    }

    private func attempt(
        _ commit: Commit, _ held: KeyLocks.Held, _ epoch: Int
    ) throws(StorageError) -> CommitAttempt {
        for round in 0..<Self.attemptLimit {
            if round > 0, self.folder.epoch != epoch || self.folder.isRemoved { return .interrupted(.startOver) }
            if let mismatch = try self.mismatch(commit.checks) { return .done(CommitResult(outcome: mismatch)) }
            let folders = CommitFolders(self)
            var found: [Bool] = []
            let items = try self.items(commit.mutations, folders, &found).filter(\.isChanged)
            var result = CommitResult(outcome: .committed(found: found))
            guard !items.isEmpty else { return .done(result) }
            let work = CommitWork(self, items, held, folders, epoch)
            switch try work.run() {
            case nil: break
            case .retry?: continue
            case let interruption?: return .interrupted(interruption)
            }
            result.failure = work.failure
            result.deadline = items.compactMap(\.deadline).min()
            result.events = work.events
            return .done(result)
        }
        throw Self.conflict(commit.keys[0])
    }

    /// Returns the first check that does not hold, with what there is.
    func mismatch(_ checks: [Commit.Check]) throws(StorageError) -> CommitOutcome? {
        for (index, check) in checks.enumerated() {
            let needsValue = if case .bytes = check.condition { true } else { false }
            let item = try self.item(check.key, loadsValue: needsValue)
            guard !check.condition.holds(for: item.map { $0.value ?? [] }) else { continue }
            var current = item?.value
            if item != nil, current == nil { current = try self.item(check.key, loadsValue: true)?.value }
            return .mismatch(index: index, current: current)
        }
        return nil
    }

    /// Reads the items, and applies the mutations to what was read.
    private func items(
        _ mutations: [Mutation], _ folders: CommitFolders, _ found: inout [Bool]
    ) throws(StorageError) -> [CommitItem] {
        let now = self.configuration.clock.now
        var items: [CommitItem] = []
        var positions: [KeyIdentity: Int] = [:]
        items.reserveCapacity(mutations.count)
        found.reserveCapacity(mutations.count)
        for mutation in mutations {
            let key = mutation.key
            let position: Int
            if let known = positions[KeyIdentity(key)] {
                position = known
            } else {
                position = items.count
                positions[KeyIdentity(key)] = position
                items.append(try self.item(key, for: mutation, folders, now))
            }
            if items[position].state.needsValue(for: mutation), let value = try self.item(key, loadsValue: true)?.value
            {
                items[position].state.add(value: value)
            }
            found.append(items[position].state.apply(mutation))
        }
        return items
    }

    private func item(
        _ key: String, for mutation: Mutation, _ folders: CommitFolders, _ now: Timestamp
    ) throws(StorageError) -> CommitItem {
        let path = try self.mapping.path(of: key)
        let (folderPath, name) = Self.split(path)
        let absent = ItemState(nil, at: now, hasSystemClock: self.hasSystemClock)
        guard let folder = try folders.open(folderPath, key) else {
            return CommitItem(key: key, path: path, current: nil, isInside: false, state: absent)
        }
        let place = try self.locate(path, name, in: FileHandle(borrowing: folder.raw), folderPath, key)
        let isInside = keysEqual(place.folderPath, path)
        if place.isForeign {
            // It is nobody's item, so it is absent; only writing it is refused.
            guard case .set = mutation else {
                return CommitItem(key: key, path: path, current: nil, isInside: isInside, state: absent)
            }
            throw Self.notAnItem(key)
        }
        guard let status = place.status else {
            return CommitItem(key: key, path: path, current: nil, isInside: isInside, state: absent)
        }
        var loadsValue = false
        if case .touch(_, let ttl) = mutation { loadsValue = !ttl.keepsDeadline }
        let current = try self.loadForChange(place.file.raw, status, key, loadsValue: loadsValue)
        let isLive = !current.record.isExpired(now)
        let state = ItemState(isLive ? current : nil, at: now, hasSystemClock: self.hasSystemClock)
        return CommitItem(key: key, path: path, current: current, isInside: isInside, state: state)
    }
}
