import KVStorage

/// What has to be on the disk before a write below a folder may be acknowledged: the folder's name, and those above it.
extension Store {
    /// Flushes every folder on the path into the one around it, unless this process has done so; `false` if the folder was
    /// removed or replaced meanwhile.
    ///
    /// Also those that were there: another store may have made them without flushing, or be about to. A folder that was
    /// flushed keeps all above it, as one that holds something can't be removed: so a path that is known costs one look.
    func makeDurable(_ path: String, _ folder: Int32, _ key: String) throws(StorageError) -> Bool {
        let known = self.folder.durableFolders
        do throws(SystemError) {
            let identity = try DurableFolders.Identity(folder)
            if known.contains(path, identity) { return true }
            let base = try DurableFolders.Identity(self.base)
            if !known.contains("", base) {
                try self.flushAboveBase()
                known.insert("", base)
            }
            if path.isEmpty { return true }
            var current = FileHandle(borrowing: self.base)
            var currentPath = ""
            for name in PathMapping.names(in: path) {
                currentPath = currentPath.isEmpty ? name : "\(currentPath)/\(name)"
                let child = try System.openFolder(current.raw, name)
                let childIdentity = try DurableFolders.Identity(child.raw)
                if !known.contains(currentPath, childIdentity) {
                    try System.synchronize(current.raw)
                    known.insert(currentPath, childIdentity)
                }
                current = consume child
            }
            return try DurableFolders.Identity(current.raw) == identity
        } catch {
            if error.meansAbsent { return false }
            throw error.storageError(key)
        }
    }

    /// Flushes the names of the base folder and of those above it, up to the root of the file system: this or an earlier
    /// store may have made any of them.
    private func flushAboveBase() throws(SystemError) {
        var current = try System.reopen(self.base)
        var status = try FileStatus.of(current.raw)
        // No path is longer than this.
        for _ in 0..<2048 {
            // One that can't be read is none that a store made.
            guard let parent = try? System.openFolder(current.raw, "..") else { return }
            let above = try FileStatus.of(parent.raw)
            guard above.identity != status.identity, above.identity.device == status.identity.device else { return }
            do { try System.synchronize(parent.raw) } catch {
                // Folders that a system makes up, such as those of containers, can't be flushed and need not be.
                if !error.meansUnflushable { throw error }
            }
            status = above
            current = consume parent
        }
    }
}
