import KVStorage

extension Store {
    /// Splits a path into its folder and the last name.
    static func split(_ path: String) -> (folder: String, name: String) {
        withKeyBytes(path) { bytes in
            guard let slash = bytes.lastIndex(of: UInt8(ascii: "/")) else { return ("", path) }
            return (
                String(decoding: bytes[..<slash], as: UTF8.self), String(decoding: bytes[(slash + 1)...], as: UTF8.self)
            )
        }
    }

    /// Opens the folder, making it and those above it where they are missing.
    ///
    /// An item that stands where a folder has to be is moved into it; see ``makeRoom(in:_:_:_:_:)``. Returns `nil` and says
    /// what is in the way if that item's lock is not among those that are held, or if the base folder was removed.
    func makeFolder(
        _ path: String, _ key: String, _ held: KeyLocks.Held, _ obstacle: inout Obstacle?
    ) throws(StorageError) -> FileHandle? {
        if let folder = try self.open(System.folderFlags, path, key) { return folder }
        var current = FileHandle(borrowing: self.base)
        var currentPath = ""
        var failures = 0
        var names = PathMapping.names(in: path)[...]
        while let name = names.first {
            let childPath = currentPath.isEmpty ? name : "\(currentPath)/\(name)"
            do throws(SystemError) {
                current = try System.openFolder(current.raw, name)
                currentPath = childPath
                names.removeFirst()
                continue
            } catch {
                // A link is refused like whatever else is no folder, in the making of room.
                guard error.meansAbsent else { throw error.storageError(key) }
                failures += 1
                guard failures <= Self.attemptLimit else { throw Self.conflict(key) }
                if error.kind == .notFound {
                    if try self.addFolder(current.raw, name, childPath, key) {
                        self.watcher.adopt(childPath, isExpanded: false)
                        continue
                    }
                    if self.folder.isRemoved {
                        obstacle = .removedBase
                        return nil
                    }
                    // The folder that it belongs in was removed, being empty: once more from the base.
                    current = FileHandle(borrowing: self.base)
                    currentPath = ""
                    names = PathMapping.names(in: path)[...]
                    continue
                }
            }
            guard let isMoved = try self.makeRoom(in: current.raw, currentPath, name, key, held) else {
                obstacle = self.mapping.item(atPath: childPath).map { .item($0) }
                return nil
            }
            if isMoved { self.watcher.adopt(childPath, isExpanded: true) }
        }
        return current
    }

    /// Makes one folder, unless it is there; `false` if the folder around it has been removed.
    private func addFolder(
        _ parent: Int32, _ name: String, _ path: String, _ key: String
    ) throws(StorageError) -> Bool {
        // Both hold keys.
        let isIndex =
            keysEqual(path, PathMapping.indexName) || keyHasPrefix(path, PathMapping.indexName + "/")
            || keysEqual(path, PathMapping.commitName)
        let mode = isIndex ? self.configuration.indexMode : self.configuration.folderMode
        do throws(SystemError) {
            do throws(SystemError) {
                try System.makeFolder(parent, name, mode ?? 0o777)
                if let mode, !isIndex || mode != 0o700 {
                    let folder = try System.openFolder(parent, name)
                    try System.setMode(folder.raw, mode)
                }
            } catch {
                guard error.kind == .exists else { throw error }
            }
            return true
        } catch {
            if error.kind == .notFound { return false }
            throw error.storageError(key)
        }
    }

    /// Takes the index of deadlines, whose links hold keys, away from whom it is not for: it may be of an earlier version.
    func narrowIndex() {
        guard let folder = try? System.openFolder(self.base, PathMapping.indexName),
            let status = try? FileStatus.of(folder.raw), status.owner == System.effectiveUser,
            status.mode & ~self.configuration.indexMode != 0
        else { return }
        try? System.setMode(folder.raw, status.mode & self.configuration.indexMode)
    }

    /// Puts a folder in the place of an item, and the item into the folder, in one step.
    ///
    /// A folder is prepared beside the item and a second name given to the item's file in it; then the two swap places. A
    /// reader finds either the file or the folder with the item in it, the same file. The way back is never taken: an item
    /// once in a folder stays there until it is removed, as taking a folder away from under others that write into it could
    /// not be one step. Returns whether this call did it, `nil` if the item's lock is not among those that are held.
    private func makeRoom(
        in parent: Int32, _ parentPath: String, _ name: String, _ key: String, _ held: KeyLocks.Held
    ) throws(StorageError) -> Bool? {
        let status: FileStatus
        do { status = try FileStatus.of(parent, name) } catch {
            if error.kind == .notFound { return false }
            throw error.storageError(key)
        }
        switch status.kind {
        case .folder: return false
        case .file: break
        case .other: throw Self.notAnItem(key)
        }
        // A file that is no item is somebody else's and stays where it is.
        let path = parentPath.isEmpty ? name : "\(parentPath)/\(name)"
        guard let item = self.mapping.item(atPath: path) else { throw Self.notAnItem(key) }
        guard self.locks.holds(held, item) else { return nil }
        do throws(SystemError) {
            return try self.swapIn(parent, name)
        } catch {
            if error.kind == .notFound { return false }
            if System.lacksExchange(error) {
                let reason = "the file system can't swap a file for a folder, which an item above another needs"
                throw StorageError(.notSupported, "\(reason); choose keys that are no branch of each other", key: key)
            }
            throw error.storageError(key)
        }
    }

    private func swapIn(_ parent: Int32, _ name: String) throws(SystemError) -> Bool {
        let temporary = self.folder.temporaryName(.folder)
        try System.makeFolder(parent, temporary, self.configuration.folderMode ?? 0o777)
        do {
            let folder = try System.openFolder(parent, temporary)
            _ = try System.lock(folder.raw)
            if let mode = self.configuration.folderMode { try System.setMode(folder.raw, mode) }
            try System.link(parent, name, to: folder.raw, PathMapping.folderItemName)
            if self.isDurable { try System.synchronize(folder.raw) }
            try System.exchange(parent, temporary, name)
        } catch {
            self.removeTemporary(parent, temporary)
            throw error
        }
        // Now the file's former name; the item keeps its name in the folder. The folder's own name is flushed before
        // anything in it is acknowledged.
        self.removeTemporary(parent, temporary)
        return true
    }

    /// Removes the folder and those above it as far as they are empty, and returns the one that the last was removed from;
    /// `nil` if none was.
    ///
    /// The system refuses to remove one that is not, so nothing is lost that comes at the same time; who had opened it finds
    /// that it is gone (`ENOENT`) and makes it again.
    @discardableResult
    func prune(_ path: String) -> FileHandle? {
        var path = path
        var last: FileHandle?
        while !path.isEmpty {
            let (parent, name) = Self.split(path)
            do {
                guard let folder = try self.open(System.folderFlags, parent, nil) else { return last }
                try System.removeFolder(folder.raw, name)
                self.folder.durableFolders.forget(path)
                self.watcher.forget(path)
                last = consume folder
            } catch {
                // Not empty, or not ours to remove: an empty folder does no harm.
                return last
            }
            path = parent
        }
        return last
    }

    static let attemptLimit = 1000

    static func conflict(_ key: String) -> StorageError {
        StorageError(.conflict, "others kept changing the folders of the item; try again", key: key)
    }

    static func notAnItem(_ key: String) -> StorageError {
        StorageError(
            .permissionDenied,
            "something that is no file stands in the key's path (a link, pipe, socket or device); it is left alone",
            key: key
        )
    }
}
