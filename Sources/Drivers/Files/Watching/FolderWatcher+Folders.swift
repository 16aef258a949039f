#if os(Linux) || os(Android)
import KVStorage
import Synchronization

/// Which folders are watched; on the queue.
extension FolderWatcher {
    /// Watches a folder that is new here and tells of what is in it already; returns whether it is still there.
    ///
    /// - Parameter skipsItem: whether the folder took the place of an item, which is the same as before.
    func watchNew(_ path: String, skipsItem: Bool) -> Bool {
        do {
            return try self.watch(path) { entry in
                !(skipsItem && keysEqual(entry.folder, path) && entry.name == PathMapping.folderItemName)
            }
        } catch {
            // Out of watches: from now on changes are missed, and whoever listens has to know.
            self.events.emit(.lagged)
            return true
        }
    }

    /// Watches the folder and all below it, and tells of the items that are found if asked to; returns whether it is there.
    @discardableResult
    func watch(
        _ path: String, reports: (_ entry: (folder: String, name: String)) -> Bool
    ) throws(SystemError) -> Bool {
        guard let descriptors = self.state.withLock({ $0.isStopped ? nil : $0.descriptors }),
            let branch = self.mapping.branch(ofPath: path), !self.isIgnored(branch)
        else { return true }
        var isThere = true
        var pending = [Folder(path: path, branch: branch)]
        while let folder = pending.popLast() {
            do {
                let handle =
                    folder.path.isEmpty
                    ? try System.reopen(descriptors.base)
                    : try System.openBeneath(descriptors.base, folder.path, System.folderFlags)
                let watch = try Inotify.add(descriptors.queue, handle.raw)
                let isKnown = self.state.withLock { state in
                    let isKnown = state.folders[watch].map { keysEqual($0.path, folder.path) } ?? false
                    state.folders[watch] = folder
                    return isKnown
                }
                if !isKnown { pending += try self.read(handle, folder, reports) }
                // Only now: who finds it here writes, and what is written must not be found by the reading above.
                self.state.withLock { $0.watches[Array(folder.path.utf8)] = watch }
            } catch {
                // What another user lets nobody see holds no items.
                if error.code == System.noAccess, System.isForeign(descriptors.base, folder.path) { continue }
                guard error.meansAbsent else { throw error }
                // Removed again.
                if keysEqual(folder.path, path) { isThere = false }
            }
        }
        return isThere
    }

    private func read(
        _ handle: consuming FileHandle, _ folder: Folder, _ reports: (_ entry: (folder: String, name: String)) -> Bool
    ) throws(SystemError) -> [Folder] {
        var below: [Folder] = []
        let reader = try FolderReader(handle)
        while let entry = try reader.next() {
            switch entry.kind {
            case .file:
                if reports((folder.path, entry.name)) { self.emit(StorageEvent.update, entry.name, folder.branch) }
            case .folder:
                guard let branch = self.mapping.branch(of: entry.name, in: folder.branch), !self.isIgnored(branch)
                else {
                    continue
                }
                below.append(Folder(path: Self.join(folder.path, entry.name), branch: branch))
            case .other:
                break
            }
        }
        return below
    }

    /// Tells of a change of the item that the name is, if it is one.
    func emit(_ event: (String) -> StorageEvent, _ name: String, _ branch: PathMapping.Branch) {
        guard let key = self.mapping.key(of: name, in: branch), !self.ignored.matches(key) else { return }
        self.events.emit(event(key))
    }

    /// The kernel tells that a file is gone, not why: another process may have removed the item, or found it expired.
    static func removal(_ key: String) -> StorageEvent { .remove(key, .unknown) }

    private func isIgnored(_ branch: PathMapping.Branch) -> Bool {
        branch.key.map(self.ignored.matches) ?? false
    }

    static func join(_ path: String, _ name: String) -> String {
        path.isEmpty ? name : "\(path)/\(name)"
    }
}
#endif
