import KVStorage

/// What processes that died in the middle of a commit have left.
extension Store {
    /// The longest intent that is read, in bytes: one of some hundred thousand long keys.
    private static let intentLimit = 1 << 28

    /// Whether who has these locks has to look for what was left; costs no call of the system.
    func mayHaveLeftovers(_ held: KeyLocks.Held) -> Bool {
        !held.marked.isEmpty || self.folder.mayHaveLeftovers
    }

    /// Completes, of all commits that were left, what concerns the locks that are held, on a thread that may block.
    ///
    /// What concerns other locks is left to who has them; returns whether there is any.
    func completeLeftovers(_ held: KeyLocks.Held) async throws(StorageError) -> Bool {
        try await BlockingPool.shared.run { () throws(StorageError) in try self.completeLeftoversNow(held) }
    }

    /// Completes what can be at once; for opening, which waits for nobody.
    func completeLeftoversAtOpening() {
        let epoch = self.folder.epoch
        guard let leftovers = try? self.leftovers() else { return }
        var isComplete = true
        for leftover in leftovers {
            guard let held = try? self.locks.tryLock(leftover.record.parts.map(\.key)) else {
                isComplete = false
                continue
            }
            defer { self.locks.unlock(held) }
            if (try? self.completeLeftoversNow(held)) == nil { isComplete = false }
        }
        self.folder.noteExamined(isComplete ? epoch : -1)
    }

    /// Completes what was left, waiting for each lock no longer than `limit`; returns whether there is any more.
    func sweepLeftovers(for limit: Duration) async throws(StorageError) -> Bool {
        var hasMore = false
        for leftover in try self.leftovers() {
            do throws(StorageError) {
                let keys = leftover.record.parts.map(\.key)
                guard let held = try await self.locks.lock(keys, for: limit, isLong: false) else { return true }
                defer { self.locks.unlock(held) }
                if try await self.completeLeftovers(held) { hasMore = true }
            } catch {
                if error.code == .closed || error.code == .cancelled { throw error }
                hasMore = true
            }
        }
        return hasMore
    }

    private func completeLeftoversNow(_ held: KeyLocks.Held) throws(StorageError) -> Bool {
        let epoch = self.folder.epoch
        var pending: Set<UInt64> = []
        for leftover in try self.leftovers() { pending.formUnion(try self.complete(leftover, held)) }
        do throws(SystemError) {
            for slot in held.marked { try self.locks.files.unmark(slot) }
        } catch {
            throw error.storageError(nil)
        }
        // After a power loss what is left was found in the folder alone: from now on whoever gets the locks knows.
        do throws(SystemError) {
            for slot in pending { try self.locks.files.mark(slot) }
            self.folder.noteExamined(epoch)
        } catch {
            // Without room for the marks everybody goes on to look into the folder.
        }
        return !pending.isEmpty
    }

    /// Carries out the parts of a commit whose locks are held; returns the locks of those that are left.
    private func complete(_ leftover: Leftover, _ held: KeyLocks.Held) throws(StorageError) -> Set<UInt64> {
        let folders = CommitFolders(self)
        let isOwn = leftover.id.utf8.prefix { $0 != UInt8(ascii: "-") }.elementsEqual(self.folder.instance.utf8)
        var pending: Set<UInt64> = []
        var changed: [String] = []
        let record = leftover.record
        for (number, part) in record.parts.enumerated() {
            let slot = self.locks.slot(of: part.key)
            guard self.locks.holds(held, slot) else {
                // What can't be told is for who has the lock.
                if (try? self.isPending(part, number, of: leftover.id, folders)) ?? true { pending.insert(slot) }
                continue
            }
            let isNew = try self.carryOut(
                part, number, of: leftover.id, isOwn: isOwn, folders, &changed)
            // Where the kernel is listened to, it tells of what another process has prepared.
            guard isNew, isOwn || !self.watcher.isActive else { continue }
            // Whether its deadline had come by then is not in the intent.
            self.folder.events.emit(part.kind == .write ? .update(part.key) : .remove(part.key, .unknown))
        }
        guard pending.isEmpty else { return pending }
        if record.isDurable {
            let key = record.parts.first?.key ?? ""
            try folders.flush(record.parts.map { try? self.place(of: $0).folder }.compactMap { $0 } + changed, key)
        }
        guard let folder = try self.open(System.folderFlags, PathMapping.commitName, nil) else { return [] }
        do throws(SystemError) { try System.unlink(folder.raw, leftover.id) } catch {
            if error.kind != .notFound { throw error.storageError(nil) }
        }
        return []
    }

    // MARK: - Intents

    /// An intent that is there: of a commit that was left, or of one that is under way.
    struct Leftover {
        let id: String
        let record: CommitRecord
    }

    /// Reads all intents. One that is damaged is left alone, unless nothing of it ever came to the disk before a power loss.
    func leftovers() throws(StorageError) -> [Leftover] {
        var leftovers: [Leftover] = []
        try self.visitIntents { (folder, name, bytes) throws(StorageError) in
            if let record = self.record(bytes) {
                leftovers.append(Leftover(id: name, record: record))
            } else if bytes.allSatisfy({ $0 == 0 }) {
                try? System.unlink(folder, name)
            }
        }
        return leftovers
    }

    /// Reads an intent; `nil` if it is damaged, or names what is no item.
    func record(_ bytes: [UInt8]) -> CommitRecord? {
        guard let record = CommitRecord(bytes) else { return nil }
        return record.parts.allSatisfy { (try? self.mapping.path(of: $0.key)) != nil } ? record : nil
    }

    /// Calls the body with every file that has an intent's name, and what it holds.
    func visitIntents(
        _ body: (_ folder: Int32, _ name: String, _ bytes: [UInt8]) throws(StorageError) -> Void
    ) throws(StorageError) {
        guard let folder = try self.open(System.folderFlags, PathMapping.commitName, nil) else { return }
        var names: [String] = []
        do throws(SystemError) {
            let reader = try FolderReader(try System.reopen(folder.raw))
            while let entry = try reader.next() {
                if entry.kind == .file, TemporaryName.isCommit(entry.name) { names.append(entry.name) }
            }
        } catch {
            throw error.storageError(nil)
        }
        for name in names {
            guard let file = try self.open(name, in: folder.raw, nil) else { continue }
            let status = try self.status(file.raw, nil)
            guard status.kind == .file, status.size <= Self.intentLimit else { continue }
            let bytes: [UInt8]
            do { bytes = try System.read(file.raw, count: status.size, at: 0) } catch { throw error.storageError(nil) }
            try body(folder.raw, name, bytes)
        }
    }

    /// Whether the commit that a temporary file belongs to neither holds nor is under way any more.
    func isOver(_ commit: String) -> Bool {
        guard let folder = try? self.open(System.folderFlags, PathMapping.commitName, nil) else {
            // A folder that can't be read tells nothing.
            return (try? FileStatus.of(self.base, PathMapping.commitName)) == nil
        }
        let temporary = TemporaryName.start(.intent, instance: commit)
        do throws(SystemError) {
            do throws(SystemError) {
                let file = try System.openEntry(folder.raw, String(decoding: temporary.utf8.dropLast(), as: UTF8.self))
                guard try System.lock(file.raw) else { return false }
            } catch {
                guard error.kind == .notFound else { return false }
            }
            // Looked for last: the one becomes the other.
            _ = try FileStatus.of(folder.raw, commit)
            return false
        } catch {
            return error.kind == .notFound
        }
    }
}
