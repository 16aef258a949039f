import KVStorage
import Synchronization

extension Store {
    /// Writes a temporary file into the folder, ready to be renamed.
    ///
    /// It stands beside the item: a rename between two folders takes a lock of the whole file system on Linux, and holds it
    /// while ext4 flushes the replaced file (measured 10 to 35 % slower).
    ///
    /// One whose writing may take long is locked if it is to be, so that ``removeStaleTemporaryFiles(within:)`` of any process, in whatever container, can
    /// tell that its writer lives. Another is over before it is seen; if it is taken for a leftover all the same, its rename finds
    /// nothing, and it is written again.
    ///
    /// At no moment is it open to anybody who may not read the item as it was, or as it is going to be.
    func writeTemporary(
        _ name: String, in folder: Int32, _ bytes: [UInt8], modified: Timestamp?, over old: FileStatus?, isLocked: Bool
    ) throws(SystemError) {
        let wanted = old?.mode ?? self.configuration.fileMode
        let requested = (wanted ?? 0o666) & 0o777
        let file = try System.create(folder, name, requested)
        do {
            if isLocked, self.isDurable || bytes.count > Self.lockedBytes {
                _ = try System.lock(file.raw)
            }
            try self.setRights(file.raw, wanted, requested, old)
            try System.write(file.raw, bytes)
            if let modified { try System.setModificationTime(file.raw, modified) }
            if self.isDurable { try System.synchronize(file.raw) }
        } catch {
            self.removeTemporary(folder, name)
            throw error
        }
    }

    /// Gives a new file the mode that it is meant to have, before anything is in it.
    private func setRights(
        _ file: Int32, _ wanted: UInt32?, _ requested: UInt32, _ old: FileStatus?
    ) throws(SystemError) {
        let made = try self.madeMode(file, requested)
        guard var wanted else { return }
        // What the group may that others may not is meant for the item's group.
        if let old, wanted >> 3 & ~wanted & 0o007 != 0, try FileStatus.of(file).group != old.group {
            do { try System.setGroup(file, old.group) } catch { wanted = wanted & ~0o070 | (wanted & 0o007) << 3 }
        }
        if wanted != made { try System.setMode(file, wanted) }
    }

    /// How large a temporary file has to be for its writing to take long.
    private static let lockedBytes = 1 << 16

    /// The permission bits that a file has that was made with those bits: they, less the umask, which can't be asked for
    /// without changing it.
    private func madeMode(_ file: Int32, _ requested: UInt32) throws(SystemError) -> UInt32 {
        let known = self.usualMode.load(ordering: .relaxed)
        if known != 0, requested & ~0o666 == 0 { return requested & (known - 1) }
        let mode = try FileStatus.of(file).mode
        if requested == 0o666 { self.usualMode.store(mode + 1, ordering: .relaxed) }
        return mode
    }

    /// Removes a temporary file or folder, if it is there.
    func removeTemporary(_ parent: Int32, _ name: String) {
        // What can't be removed now is found by the next store that is opened.
        do throws(SystemError) {
            try System.unlink(parent, name)
        } catch {
            guard error.kind != .notFound, let folder = try? System.openFolder(parent, name) else { return }
            try? System.unlink(folder.raw, PathMapping.folderItemName)
            try? System.removeFolder(parent, name)
        }
    }

    /// Removes the temporary files that dead processes left behind, in the whole store.
    ///
    /// What a commit that holds has prepared is none of them, as it is needed to complete it.
    ///
    /// The walk reads folders, no files. It stops when the time is up, and then goes on elsewhere.
    func removeStaleTemporaryFiles(within limit: Duration) {
        let end = ContinuousClock.now + limit
        var folders = [""]
        self.removeStaleTemporaryFiles(&folders) { ContinuousClock.now < end }
        guard !folders.isEmpty else { return }
        BlockingPool.shared.run { [weak self, folders] in
            guard let self, (try? self.gate.enter()) != nil else { return }
            defer { self.gate.leave() }
            var rest = folders
            self.removeStaleTemporaryFiles(&rest) { !self.gate.isClosed }
        }
    }

    private func removeStaleTemporaryFiles(_ folders: inout [String], while goesOn: () -> Bool) {
        while let path = folders.last, goesOn() {
            folders.removeLast()
            // A folder that can't be read is reported by whoever needs it.
            guard let handle = try? self.open(System.folderFlags, path, nil),
                let folder = try? System.reopen(handle.raw), let reader = try? FolderReader(folder)
            else { continue }
            while let entry = try? reader.next() {
                if let temporary = TemporaryName(entry.name) {
                    if let commit = temporary.commit, !self.isOver(commit) { continue }
                    self.removeIfDead(reader.raw, entry.name)
                } else if entry.kind == .folder {
                    folders.append(path.isEmpty ? entry.name : "\(path)/\(entry.name)")
                }
            }
        }
    }

    private func removeIfDead(_ folder: Int32, _ name: String) {
        guard let file = try? System.openEntry(folder, name), (try? System.lock(file.raw)) == true else {
            return
        }
        self.removeTemporary(folder, name)
    }
}
