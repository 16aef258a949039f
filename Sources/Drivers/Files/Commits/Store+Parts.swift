import KVStorage

/// The parts of a commit that holds: who carries one out has the lock of its key.
extension Store {
    /// Where a part's files stand.
    func place(of part: CommitRecord.Part) throws(StorageError) -> (path: String, folder: String, name: String) {
        let path = try self.mapping.path(of: part.key)
        if part.isInside { return (path, path, PathMapping.folderItemName) }
        let (folder, name) = Self.split(path)
        return (path, folder, name)
    }

    /// Whether a part is still to be carried out.
    func isPending(
        _ part: CommitRecord.Part, _ number: Int, of commit: String, _ folders: CommitFolders
    ) throws(StorageError) -> Bool {
        guard let folder = try folders.open(try self.place(of: part).folder, part.key) else { return false }
        do {
            _ = try FileStatus.of(folder.raw, TemporaryName.part(number, of: commit))
            return true
        } catch {
            if error.kind == .notFound { return false }
            throw error.storageError(part.key)
        }
    }

    /// Carries out one part, unless that was done; returns whether it was done now, and adds the folders that it changed.
    ///
    /// - Parameter isOwn: whether this store has prepared the part, so that a watcher is not to emit it.
    func carryOut(
        _ part: CommitRecord.Part, _ number: Int, of commit: String, isOwn: Bool,
        _ folders: CommitFolders, _ changed: inout [String]
    ) throws(StorageError) -> Bool {
        let place = try self.place(of: part)
        // Without the folder there is nothing in it that was prepared.
        guard let folder = try folders.open(place.folder, part.key) else { return false }
        let temporary = TemporaryName.part(number, of: commit)
        changed.append(place.folder)
        switch part.kind {
        case .write:
            return try self.putInPlace(temporary, folder, place.name, place.path, part.key, &changed)
        case .removal, .removalByName:
            do throws(SystemError) {
                guard
                    try self.removeMarked(
                        temporary, folder.raw, place.name, byName: part.kind == .removalByName, isOwn: isOwn)
                else { return false }
            } catch {
                throw error.storageError(part.key)
            }
            if self.prune(place.folder) != nil { changed.append(try self.lastFolder(above: place.folder)) }
            return true
        }
    }

    /// The folder that is there nearest above one that was removed.
    private func lastFolder(above path: String) throws(StorageError) -> String {
        var path = Self.split(path).folder
        while try self.open(System.folderFlags, path, nil) == nil { path = Self.split(path).folder }
        return path
    }

    /// Gives the new content the item's name; `false` if that was done.
    private func putInPlace(
        _ temporary: String, _ folder: OpenFolder, _ name: String, _ path: String, _ key: String,
        _ changed: inout [String]
    ) throws(StorageError) -> Bool {
        for _ in 0..<Self.attemptLimit {
            do throws(SystemError) {
                do throws(SystemError) {
                    try System.rename(folder.raw, temporary, to: folder.raw, name)
                    return true
                } catch {
                    guard error.kind == .isAFolder || error.kind == .exists else { throw error }
                }
                // Made for an item below, when there was none of this name: the item belongs in it.
                let inner = try System.openFolder(folder.raw, name)
                try System.rename(folder.raw, temporary, to: inner.raw, PathMapping.folderItemName)
                changed.append(path)
                return true
            } catch {
                guard error.meansAbsent else { throw error.storageError(key) }
                // Or the folder was removed again, being empty.
                guard (try? FileStatus.of(folder.raw, temporary)) != nil else { return false }
            }
        }
        throw Self.conflict(key)
    }

    /// Removes the very file that has the other name, and that name; `false` if that was done.
    private func removeMarked(
        _ temporary: String, _ folder: Int32, _ name: String, byName: Bool, isOwn: Bool
    ) throws(SystemError) -> Bool {
        let marked: FileStatus
        do { marked = try FileStatus.of(folder, temporary) } catch {
            if error.kind == .notFound { return false }
            throw error
        }
        do throws(SystemError) {
            // Another file there is another program's, which knows nothing of locks.
            let status = try FileStatus.of(folder, name)
            if status.kind == .file, byName || status.identity == marked.identity {
                try self.removeName(name, folder, isOwn: isOwn)
            }
        } catch {
            if error.kind != .notFound { throw error }
        }
        do throws(SystemError) { try System.unlink(folder, temporary) } catch {
            if error.kind != .notFound { throw error }
        }
        return true
    }

    /// Removes an item's name, by way of one that tells the watcher whose removal it is.
    func removeName(_ name: String, _ folder: Int32, isOwn: Bool) throws(SystemError) {
        guard self.watcher.isActive, isOwn else { return try System.unlink(folder, name) }
        let temporary = self.folder.temporaryName(.removal)
        try System.rename(folder, name, to: folder, temporary)
        self.removeTemporary(folder, temporary)
    }
}
