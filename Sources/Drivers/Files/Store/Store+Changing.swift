import KVStorage

extension Store {
    /// Decides on a change, given the item as it is, or `nil` if it is absent or expired. May be asked several times.
    typealias Decision<Result> = @Sendable (StoredItem?) throws(StorageError) -> (Change, Result)

    /// Reads an item, lets the body decide, and carries that out, as one step that nothing can come between.
    func change<Result: Sendable>(
        _ key: String, loadsValue: Bool, waits limit: Duration? = nil, _ decide: @escaping Decision<Result>
    ) async throws(StorageError) -> ChangeOutcome<Result> {
        let path = try self.mapping.path(of: key)
        try self.gate.enter()
        defer { self.gate.leave() }
        try self.look()
        var others: [String] = []
        var sawLeftovers = false
        for _ in 0..<Self.attemptLimit {
            let epoch = self.folder.epoch
            // Mostly nobody has the lock: then there is nothing to wait for, and nothing is set up for it.
            var taken = others.isEmpty ? try self.locks.tryLock(key, isLong: self.isDurable) : nil
            if taken == nil {
                taken = try await self.locks.lock(
                    [key] + others, for: limit ?? self.configuration.busyTimeout, isLong: self.isDurable)
            }
            guard let held = taken else {
                guard try self.renewBase(makes: true) else { throw Self.conflict(key) }
                continue
            }
            defer { self.locks.unlock(held) }
            if self.mayHaveLeftovers(held) { sawLeftovers = try await self.completeLeftovers(held) || sawLeftovers }
            let outcome: Attempt<Result>
            if self.isDurable {
                // A flush takes as long as the disk likes: not on this thread.
                outcome = try await self.flushing(key) { () throws(StorageError) in
                    try self.attempt(key, path, held, loadsValue: loadsValue, epoch, decide)
                }
            } else {
                outcome = try self.attempt(key, path, held, loadsValue: loadsValue, epoch, decide)
            }
            switch outcome {
            case .done(var outcome, _, let event):
                if let event { self.folder.events.emit(event) }
                // What is left of other keys is the sweeper's.
                if sawLeftovers { outcome.deadline = self.configuration.clock.now }
                return outcome
            case .alsoLock(let other):
                others.append(other)
            case .startOver:
                if self.folder.isRemoved { _ = try self.renewBase(makes: true) }
            }
        }
        throw Self.conflict(key)
    }

    /// Returns the change that writes the value over the item as it is, which keeps its custom metadata.
    func write(_ value: [UInt8], over current: StoredItem?, _ options: WriteOptions) -> Change {
        var deadline: Timestamp?
        if options.keepsDeadline, let current {
            deadline = current.record.deadline
        } else if options.ttl != .forever {
            // Asking for the time is not free, and few have a lifetime.
            deadline = options.deadline(at: self.configuration.clock.now)
        }
        // The system's own time of a write is the same, and saves a call.
        let modified = self.hasSystemClock ? nil : self.configuration.clock.now
        return .write(value, deadline: deadline, fields: current?.record.fields, modified: modified)
    }

    /// Makes the attempt on a thread that may block, and returns once its folder is flushed.
    private func flushing<Result: Sendable>(
        _ key: String, _ attempt: @escaping @Sendable () throws(StorageError) -> Attempt<Result>
    ) async throws(StorageError) -> Attempt<Result> {
        let result = await withCheckedContinuation { continuation in
            BlockingPool.shared.run { [flush = self.folder.flush] in
                let result: Swift.Result<Attempt<Result>, StorageError>
                do throws(StorageError) { result = .success(try attempt()) } catch { result = .failure(error) }
                guard case .success(.done(let outcome, let folder?, let event)) = result else {
                    return continuation.resume(returning: result)
                }
                flush.join(folder) { failure in
                    var outcome = outcome
                    outcome.failure = failure.map { Self.unflushed($0, key) }
                    continuation.resume(returning: .success(.done(outcome, event: event)))
                }
            }
        }
        return try result.get()
    }

    static func unflushed(_ failure: SystemError, _ key: String) -> StorageError {
        let consequence = "the item was changed, but its folder could not be flushed"
        return StorageError(
            .inputOutput,
            "\(failure) (\(consequence): a power loss may undo that; read the item before repeating the call)",
            key: key, underlying: failure)
    }

    /// Tries until no other program came between.
    ///
    /// The key's lock keeps off all others that use this driver. Other programs know nothing of it, and a folder may be
    /// removed as empty by who changes another item: so a new item is created by a rename that fails if there is one
    /// meanwhile, and what is not found any more is looked for again.
    private func attempt<Result: Sendable>(
        _ key: String, _ path: String, _ held: KeyLocks.Held, loadsValue: Bool, _ epoch: Int,
        _ decide: Decision<Result>
    ) throws(StorageError) -> Attempt<Result> {
        for round in 0..<Self.attemptLimit {
            if round > 0, self.folder.epoch != epoch || self.folder.isRemoved { return .startOver }
            var place = try self.locate(path, key)
            var current: StoredItem?
            if let status = place.status {
                current = try self.loadForChange(place.file.raw, status, key, loadsValue: loadsValue)
            }
            let isLive = current.map { !$0.record.isExpired(self.configuration.clock.now) } ?? false
            let (change, result) = try decide(isLive ? current : nil)
            switch change {
            case .nothing:
                return .done(ChangeOutcome(result: result))
            case .remove:
                guard current != nil else { return .done(ChangeOutcome(result: result)) }
                guard let flush = try self.remove(place, current, key) else { continue }
                return .done(
                    ChangeOutcome(result: result), flush: self.kept(flush),
                    event: .remove(key, isLive ? .removed : .expired))
            case .expire(let entry):
                var removed: OpenFolder?
                let isDue = !isLive && current != nil
                if isDue {
                    guard let flush = try self.remove(place, current, key) else { continue }
                    removed = self.kept(flush)
                }
                // With the key's lock held: else the note could be that of a write which came after this one. And an item
                // that lives may have that very deadline still, as the clock was turned back.
                if !isLive || current?.record.deadline != entry.deadline { self.index.remove(entry) }
                return .done(
                    ChangeOutcome(result: result), flush: removed, event: isDue ? .remove(key, .expired) : nil)
            case .write(let value, let deadline, let fields, let modified):
                if place.isForeign { throw Self.notAnItem(key) }
                let bytes = ItemRecord.encode(value, deadline: deadline, fields: fields)
                var obstacle: Obstacle?
                if place.folder.isNone {
                    if let folder = try self.makeFolder(place.folderPath, key, held, &obstacle) {
                        place.folder = consume folder
                    }
                }
                let old = current?.record.deadline
                if obstacle == nil, let deadline, deadline != old {
                    try self.index.add(key, deadline, held, &obstacle)
                }
                switch obstacle {
                case .item(let other): return .alsoLock(other)
                case .removedBase: return .startOver
                case nil: break
                }
                self.watcher.adoptIfUnknown(place.folderPath)
                if self.isDurable {
                    guard try self.makeDurable(place.folderPath, place.folder.raw, key) else { continue }
                }
                guard try self.write(place, bytes, modified, current?.status, key) else { continue }
                if let old, old != deadline { self.index.remove(key, old) }
                return .done(
                    ChangeOutcome(result: result, deadline: deadline), flush: self.kept(place.folder),
                    event: .update(key))
            }
        }
        throw Self.conflict(key)
    }

    /// The folder for as long as it takes to flush it, if it is going to be.
    private func kept(_ folder: consuming FileHandle) -> OpenFolder? {
        self.isDurable ? OpenFolder(folder) : nil
    }

    /// Puts the bytes in the item's place; `false` if the place has changed meanwhile.
    func write(
        _ place: borrowing Place, _ bytes: [UInt8], _ modified: Timestamp?, _ old: FileStatus?, _ key: String
    ) throws(StorageError) -> Bool {
        let folder = place.folder.raw
        var temporary: String?
        do throws(SystemError) {
            let name = self.folder.temporaryName(.write)
            try self.writeTemporary(name, in: folder, bytes, modified: modified, over: old, isLocked: true)
            temporary = name
            if old == nil {
                try System.renameExclusively(folder, name, to: folder, place.name)
            } else {
                try System.rename(folder, name, to: folder, place.name)
            }
            return true
        } catch {
            if let temporary { self.removeTemporary(folder, temporary) }
            switch error.kind {
            // Made by somebody else, made a folder, or its folder removed.
            case .exists, .isAFolder, .notFound: return false
            default: break
            }
            if old == nil { self.prune(place.folderPath) }
            throw error.storageError(key)
        }
    }

    /// Removes the item's file, and the folders that are empty then; `nil` if it is gone already.
    ///
    /// Returns what has to be flushed: the folder that the file was in, or else the one that the folders were removed from.
    func remove(
        _ place: consuming Place, _ current: StoredItem?, _ key: String
    ) throws(StorageError) -> FileHandle? {
        let folder = place.folder.raw
        do throws(SystemError) {
            try self.removeName(place.name, folder, isOwn: true)
        } catch {
            if error.kind == .notFound { return nil }
            throw error.storageError(key)
        }
        if let deadline = current?.record.deadline { self.index.remove(key, deadline) }
        if let last = self.prune(place.folderPath) { return last }
        return place.folder
    }
}
