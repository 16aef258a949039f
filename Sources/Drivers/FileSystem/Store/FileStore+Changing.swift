import KVStorage

/// What a change does with an item.
enum Change: Sendable {
    case nothing
    case write([UInt8], deadline: Timestamp?, fields: [UInt8]?, modified: Timestamp)
    case remove
}

/// What became of a change.
struct ChangeOutcome<Result: Sendable>: Sendable {
    /// What the body answered.
    let result: Result
    /// The deadline that the item was written with.
    var deadline: Timestamp?
}

extension FileStore {
    /// Decides on a change, given the item as it is, or `nil` if it is absent or expired. May be asked several times.
    typealias Decision<Result> = @Sendable (StoredItem?) throws(StorageError) -> (Change, Result)

    /// Reads an item, lets the body decide, and carries that out, as one step that nothing can come between.
    func change<Result: Sendable>(
        _ key: String, loadsValue: Bool, _ decide: @escaping Decision<Result>
    ) async throws(StorageError) -> ChangeOutcome<Result> {
        let path = try self.mapping.path(of: key)
        try self.gate.enter()
        defer { self.gate.leave() }
        if !self.locks.tryLock(key) { await self.locks.lock(key) }
        defer { self.locks.unlock(key) }
        // A flush takes as long as the disk likes, another process's lock as long as that likes: not on this thread.
        if !self.isDurable,
            let result = try self.attempt(key, path, loadsValue: loadsValue, waits: false, decide)
        {
            return result
        }
        return try await self.onQueue { () throws(StorageError) in
            guard let result = try self.attempt(key, path, loadsValue: loadsValue, waits: true, decide) else {
                throw Self.conflict(key)
            }
            return result
        }
    }

    /// Where an item stands or would stand.
    private struct Place: ~Copyable {
        /// The folder, or none if it is missing.
        var folder: FileHandle
        var folderPath: String
        var name: String
        /// The item's file, or none if it is absent.
        var file: FileHandle
        /// What the file is; `nil` if the item is absent.
        var status: FileStatus?
        var isForeign = false
    }

    /// Tries until nobody came between; `nil` if somebody else's lock is in the way and `waits` is not set.
    ///
    /// An item that is there is changed under a lock on its file: who got the lock looks whether the path still names that
    /// file. An item that is absent is created by a rename that fails if there is one meanwhile. So no lock outlives its
    /// holder, none leaves a file behind, and changes of different items don't wait for each other.
    private func attempt<Result: Sendable>(
        _ key: String, _ path: String, loadsValue: Bool, waits: Bool, _ decide: Decision<Result>
    ) throws(StorageError) -> ChangeOutcome<Result>? {
        for _ in 0..<Self.attemptLimit {
            var place = try self.locate(path, key)
            var current: StoredItem?
            if let status = place.status {
                do throws(SystemError) {
                    guard try System.lock(place.file.raw, waits: waits) else { return nil }
                    guard try FileStatus.of(place.folder.raw, place.name).identity == status.identity else { continue }
                } catch {
                    if error.meansAbsent { continue }
                    throw error.storageError(key)
                }
                current = try self.loadForChange(place.file.raw, status, key, loadsValue: loadsValue)
            }
            let isLive = current.map { !$0.record.isExpired(self.configuration.clock.now) } ?? false
            let (change, result) = try decide(isLive ? current : nil)
            switch change {
            case .nothing:
                return ChangeOutcome(result: result)
            case .remove:
                guard current != nil else { return ChangeOutcome(result: result) }
                guard try self.remove(place, current, key) else { continue }
                self.folder.events.emit(.remove(key))
                return ChangeOutcome(result: result)
            case .write(let value, let deadline, let fields, let modified):
                if place.isForeign { throw Self.notAnItem(key) }
                let bytes = ItemRecord.encode(value, deadline: deadline, fields: fields)
                if place.folder.isNone {
                    guard let folder = try self.makeFolder(place.folderPath, key, waits: waits) else { return nil }
                    place.folder = consume folder
                }
                self.watcher.adoptIfUnknown(place.folderPath)
                let old = current?.record.deadline
                if let deadline, deadline != old { try self.index.add(key, deadline) }
                guard try self.write(place, bytes, modified, current?.status, key) else { continue }
                if let old, old != deadline { self.index.remove(key, old) }
                self.folder.events.emit(.update(key))
                return ChangeOutcome(result: result, deadline: deadline)
            }
        }
        throw Self.conflict(key)
    }

    /// Reads the item; one whose footer is damaged counts as plain for those who don't need its value, so that it can be
    /// replaced and removed.
    private func loadForChange(
        _ file: Int32, _ status: FileStatus, _ key: String, loadsValue: Bool
    ) throws(StorageError) -> StoredItem {
        do {
            return try self.load(file, status, key, loadsValue: loadsValue)
        } catch {
            guard error.code == .corrupted, !loadsValue else { throw error }
            return StoredItem(record: ItemRecord(plain: status.size), status: status)
        }
    }

    private func locate(_ path: String, _ key: String) throws(StorageError) -> Place {
        let (folderPath, name) = Self.split(path)
        guard let folder = try self.open(System.folderFlags, folderPath, key) else {
            return Place(folder: .none, folderPath: folderPath, name: name, file: .none)
        }
        do {
            let file = try System.openEntry(folder.raw, name)
            let status = try FileStatus.of(file.raw)
            switch status.kind {
            case .file:
                return Place(folder: folder, folderPath: folderPath, name: name, file: file, status: status)
            case .other:
                return Place(folder: folder, folderPath: folderPath, name: name, file: .none, isForeign: true)
            case .folder:
                return try self.locate(in: file, path)
            }
        } catch {
            guard error.meansAbsent else { throw error.storageError(key) }
            let isForeign = error.kind != .notFound
            return Place(folder: folder, folderPath: folderPath, name: name, file: .none, isForeign: isForeign)
        }
    }

    /// Finds the item of a folder in it.
    private func locate(in folder: consuming FileHandle, _ path: String) throws(SystemError) -> Place {
        let name = PathMapping.folderItemName
        do {
            let file = try System.openEntry(folder.raw, name)
            let status = try FileStatus.of(file.raw)
            guard status.kind == .file else {
                return Place(folder: folder, folderPath: path, name: name, file: .none, isForeign: true)
            }
            return Place(folder: folder, folderPath: path, name: name, file: file, status: status)
        } catch {
            guard error.meansAbsent else { throw error }
            return Place(folder: folder, folderPath: path, name: name, file: .none, isForeign: error.kind != .notFound)
        }
    }

    /// Puts the bytes in the item's place; `false` if the place has changed meanwhile.
    private func write(
        _ place: borrowing Place, _ bytes: [UInt8], _ modified: Timestamp, _ old: FileStatus?, _ key: String
    ) throws(StorageError) -> Bool {
        let folder = place.folder.raw
        var temporary: String?
        do throws(SystemError) {
            let name = try self.writeTemporary(in: folder, bytes, modified: modified, mode: old?.mode)
            temporary = name
            if old == nil {
                try System.renameExclusively(folder, name, to: folder, place.name)
            } else {
                try System.rename(folder, name, to: folder, place.name)
            }
            if self.isDurable { try System.synchronize(folder) }
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

    /// Removes the item's file, and the folders that are empty then; `false` if it is gone already.
    private func remove(
        _ place: borrowing Place, _ current: StoredItem?, _ key: String
    ) throws(StorageError) -> Bool {
        let folder = place.folder.raw
        do throws(SystemError) {
            if self.watcher.isActive {
                // By way of a name that tells the watcher whose removal it is.
                let temporary = self.folder.temporaryName(.removal)
                try System.rename(folder, place.name, to: folder, temporary)
                self.removeTemporary(folder, temporary)
            } else {
                try System.unlink(folder, place.name)
            }
            if self.isDurable { try System.synchronize(folder) }
        } catch {
            if error.kind == .notFound { return false }
            throw error.storageError(key)
        }
        if let deadline = current?.record.deadline { self.index.remove(key, deadline) }
        self.prune(place.folderPath)
        return true
    }
}
