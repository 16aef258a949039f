#if os(Linux) || os(Android)
import Dispatch
import KVStorage
import Synchronization

/// What the kernel's events mean for items.
extension FolderWatcher {
    func handleEvents() {
        while let queue = self.state.withLock({ $0.isStopped ? nil : $0.descriptors?.queue }) {
            let events = Inotify.read(queue)
            if events.isEmpty { break }
            for event in events { self.handle(event) }
        }
        // The second half of a rename follows at once, unless the file has left the store.
        guard let cookie = self.state.withLock({ $0.move?.cookie }) else { return }
        self.queue.asyncAfter(deadline: .now() + .milliseconds(10)) { [weak self] in
            guard let self, self.state.withLock({ $0.move?.cookie == cookie }) else { return }
            self.finishMove()
        }
    }

    private func handle(_ event: Inotify.Event) {
        if event.isOverflow {
            self.recover()
            return
        }
        if event.isIgnored {
            self.state.withLock { state in
                guard let folder = state.folders.removeValue(forKey: event.watch) else { return }
                let path = Array(folder.path.utf8)
                if state.watches[path] == event.watch { state.watches[path] = nil }
            }
            return
        }
        let move = self.state.withLock { state -> Move? in
            guard event.isMovedTo else { return nil }
            if let move = state.temporaries.removeValue(forKey: event.cookie) { return move }
            guard let move = state.move, move.cookie == event.cookie else { return nil }
            state.move = nil
            return move
        }
        if move == nil { self.finishMove() }
        guard !event.name.isEmpty, let folder = self.state.withLock({ $0.folders[event.watch] }) else { return }
        if event.isMovedFrom {
            var move = Move(cookie: event.cookie, folder: folder, name: event.name, isFolder: event.isFolder)
            self.state.withLock { state in
                move.isAnnounced = state.unannounced.remove(event.entry) == nil
                state.stillOpen[event.entry] = nil
                guard TemporaryName(event.name) != nil else {
                    state.move = move
                    return
                }
                // What left the store has no second half; there are never many under way.
                if state.temporaries.count >= 4096 { state.temporaries = [:] }
                state.temporaries[event.cookie] = move
            }
        } else if event.isFolder {
            if event.isMovedTo || event.isCreate { self.folderAppeared(folder, event.name, from: move) }
        } else if event.isMovedTo {
            self.fileMoved(folder, event, from: move)
        } else if event.isDelete {
            let isAnnounced = self.state.withLock { state in
                state.stillOpen[event.entry] = nil
                guard state.unannounced.remove(event.entry) != nil else { return true }
                // It is closed some time, and then there must still be a file.
                state.keepOpen(event.entry, nil)
                return false
            }
            if isAnnounced { self.emit(Self.removal, event.name, folder.branch) }
        } else if event.isCloseWrite {
            let known = self.state.withLock { state -> FileStamp?? in
                state.unannounced.remove(event.entry)
                return state.stillOpen.removeValue(forKey: event.entry)
            }
            // Nothing was written since its name was emitted.
            if let known, known == self.stamp(folder, event.name) { return }
            self.emit(StorageEvent.update, event.name, folder.branch)
        } else if event.isCreate {
            if self.isLinked(folder, event.name) {
                // A second name of a file, which no closing after writing follows.
                self.emit(StorageEvent.update, event.name, folder.branch)
            } else if TemporaryName(event.name) == nil {
                self.state.withLock { state in
                    // What is never closed is never emitted; there are never many under way.
                    if state.unannounced.count >= 4096 { state.unannounced = [] }
                    state.unannounced.insert(event.entry)
                }
            }
        }
    }

    private func fileMoved(_ folder: Folder, _ event: Inotify.Event, from move: Move?) {
        if let temporary = TemporaryName(event.name) {
            // An item that has changed places with a folder lives on in it; one that is removed is emitted by who removes it.
            guard let move, temporary.kind == .removal, !self.isOwn(temporary) else { return }
            self.emit(Self.removal, move.name, move.folder.branch)
            return
        }
        self.state.withLock { state in
            state.unannounced.remove(event.entry)
            state.stillOpen[event.entry] = nil
        }
        if let move {
            if let temporary = TemporaryName(move.name), self.isOwn(temporary) { return }
            if move.isAnnounced {
                self.emit(Self.removal, move.name, move.folder.branch)
            } else if let stamp = self.stamp(folder, event.name) {
                // Programs that replace a file by renaming another may close that only afterwards.
                self.state.withLock { $0.keepOpen(event.entry, stamp) }
            }
        }
        self.emit(StorageEvent.update, event.name, folder.branch)
    }

    private func folderAppeared(_ folder: Folder, _ name: String, from move: Move?) {
        let path = Self.join(folder.path, name)
        guard let move else {
            let isOwn = self.state.withLock { state in
                guard let count = state.made[Array(path.utf8)] else { return false }
                state.made[Array(path.utf8)] = count > 1 ? count - 1 : nil
                return true
            }
            // What came and went in it before it could be watched is not known.
            if !self.watchNew(path, skipsItem: false), !isOwn { self.events.emit(.lagged) }
            return
        }
        if let temporary = TemporaryName(move.name) {
            // It holds the item whose place it took. If another process put it there, the item may have been written since.
            let isOwn = self.isOwn(temporary)
            if !self.watchNew(path, skipsItem: isOwn), !isOwn { self.events.emit(.lagged) }
        } else {
            self.folderMoved(from: Self.join(move.folder.path, move.name), to: path)
        }
    }

    /// Tells of the items of a folder that has been renamed.
    private func folderMoved(from old: String, to new: String) {
        self.forgetFolders(below: old, removesWatches: true)
        var names: [(folder: String, name: String)] = []
        do {
            try self.watch(new) { entry in
                names.append(entry)
                return true
            }
        } catch {
            self.events.emit(.lagged)
        }
        for entry in names {
            let path = old + keyDroppingPrefix(entry.folder, new.utf8.count)
            guard let branch = self.mapping.branch(ofPath: path) else { continue }
            self.emit(Self.removal, entry.name, branch)
        }
    }

    /// Takes a rename whose second half did not come for what it is: a removal from the store.
    private func finishMove() {
        let move = self.state.withLock { state in
            defer { state.move = nil }
            return state.move
        }
        guard let move else { return }
        guard move.isFolder else {
            if move.isAnnounced { self.emit(Self.removal, move.name, move.folder.branch) }
            return
        }
        guard self.mapping.branch(of: move.name, in: move.folder.branch) != nil else { return }
        self.forgetFolders(below: Self.join(move.folder.path, move.name), removesWatches: true)
        // Nobody knows any more what was in it.
        self.events.emit(.lagged)
    }

    private func forgetFolders(below path: String, removesWatches: Bool) {
        let (queue, watches) = self.state.withLock { state in
            let below = state.folders.filter {
                keysEqual($0.value.path, path) || keyHasPrefix($0.value.path, path + "/")
            }
            for (watch, folder) in below {
                state.folders[watch] = nil
                state.watches[Array(folder.path.utf8)] = nil
            }
            return (state.descriptors?.queue, below.keys)
        }
        guard let queue, removesWatches else { return }
        for watch in watches { Inotify.remove(queue, watch) }
    }

    /// Events were dropped: tells so, and watches what folders have come meanwhile.
    func recover() {
        self.state.withLock { state in
            state.move = nil
            state.temporaries = [:]
            state.folders = [:]
            state.watches = [:]
            state.made = [:]
            state.unannounced = []
            state.stillOpen = [:]
        }
        self.events.emit(.lagged)
        do { try self.watch("") { _ in false } } catch { self.events.emit(.lagged) }
    }

    private func isOwn(_ temporary: TemporaryName) -> Bool {
        temporary.instance.elementsEqual(self.instance.utf8)
    }

    private func isLinked(_ folder: Folder, _ name: String) -> Bool {
        guard TemporaryName(name) == nil, let status = self.status(folder, name) else { return false }
        return status.kind == .file && status.linkCount > 1
    }

    /// What a file's content can be told by.
    struct FileStamp: Equatable {
        let identity: FileStatus.Identity
        let size: Int
        let modified: Int64
    }

    private func stamp(_ folder: Folder, _ name: String) -> FileStamp? {
        self.status(folder, name).map { FileStamp(identity: $0.identity, size: $0.size, modified: $0.stamp) }
    }

    private func status(_ folder: Folder, _ name: String) -> FileStatus? {
        guard let base = self.state.withLock({ $0.descriptors?.base }),
            let parent = folder.path.isEmpty
                ? try? System.reopen(base) : try? System.openBeneath(base, folder.path, System.folderFlags)
        else { return nil }
        return try? FileStatus.of(parent.raw, name)
    }
}

extension Inotify.Event {
    var entry: FolderWatcher.Entry { FolderWatcher.Entry(watch: self.watch, name: Array(self.name.utf8)) }
}
#endif
