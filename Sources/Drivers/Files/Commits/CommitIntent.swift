import KVStorage

/// The file that says what a commit does, from before anything of it is written until all of it is carried out.
///
/// Open and locked (`flock`) for that time: so who looks for what dead processes left knows that the commit's other files are
/// in use.
final class CommitIntent {
    /// What the file is named when the commit holds, and all other files of the commit after it.
    let id: String
    private let store: Store
    private let folder: OpenFolder
    private let file: FileHandle
    private let temporary: String
    private var markedSlots: [UInt64] = []
    /// What happened after the commit was decided.
    private(set) var failure: StorageError?

    private init(_ store: Store, _ folder: OpenFolder, _ file: consuming FileHandle, temporary: String) {
        self.store = store
        self.folder = folder
        self.file = file
        self.temporary = temporary
        let start = TemporaryName.start(.intent, instance: "")
        self.id = String(decoding: temporary.utf8.dropFirst(start.utf8.count - 1), as: UTF8.self)
    }

    /// Makes the file under a name that means nothing yet.
    static func open(
        _ store: Store, _ held: KeyLocks.Held, _ key: String
    ) throws(StorageError) -> (intent: CommitIntent?, interruption: CommitInterruption?) {
        var obstacle: Obstacle?
        let path = PathMapping.commitName
        guard let handle = try store.makeFolder(path, key, held, &obstacle) else { return (nil, .startOver) }
        let folder = OpenFolder(handle)
        if store.isDurable, try !store.makeDurable(path, folder.raw, key) { return (nil, .retry) }
        let mode = store.configuration.lockMode
        let temporary = store.folder.temporaryName(.intent)
        do throws(SystemError) {
            let file = try System.create(folder.raw, temporary, mode)
            let isMine = try System.lock(file.raw)
            if mode & 0o077 != 0 { try System.setMode(file.raw, mode) }
            // Who removes what is stale may have come before it was locked.
            guard isMine, try FileStatus.of(file.raw).linkCount > 0 else { return (nil, .retry) }
            return (CommitIntent(store, folder, file, temporary: temporary), nil)
        } catch {
            if error.kind == .notFound { return (nil, .retry) }
            store.removeTemporary(folder.raw, temporary)
            throw error.storageError(key)
        }
    }

    func record(_ items: [CommitItem]) -> CommitRecord {
        let parts = items.map { item in
            let kind: CommitRecord.Part.Kind =
                if case .write = item.state.change { .write } else { item.isRemovedByName ? .removalByName : .removal }
            return CommitRecord.Part(kind: kind, key: item.key, isInside: item.isInside)
        }
        return CommitRecord(isDurable: self.store.isDurable, parts: parts)
    }

    /// Has the commit hold; `false` if the base folder was removed.
    ///
    /// The locks are marked before: they belong to the process, and whoever gets them when it is dead has to know.
    func decide(_ record: CommitRecord, _ slots: [UInt64]) throws(StorageError) -> Bool {
        do throws(SystemError) {
            try System.write(self.file.raw, record.encoded)
            if record.isDurable { try System.synchronize(self.file.raw) }
            for slot in slots {
                self.markedSlots.append(slot)
                try self.store.locks.files.mark(slot)
            }
            try System.rename(self.folder.raw, self.temporary, to: self.folder.raw, self.id)
        } catch {
            if error.kind == .notFound { return false }
            throw error.storageError(record.parts.first?.key)
        }
        guard record.isDurable else { return true }
        do { try System.synchronize(self.folder.raw) } catch {
            let consequence = "the commit was made, but the folder of commits could not be flushed"
            self.failure = StorageError(
                .inputOutput,
                "\(error) (\(consequence): a power loss may undo a part of it; read the items before repeating the call)",
                key: record.parts.first?.key, underlying: error)
        }
        return true
    }

    /// Takes the file away, before the commit was decided.
    func withdraw() {
        for slot in self.markedSlots { try? self.store.locks.files.unmark(slot) }
        self.store.removeTemporary(self.folder.raw, self.temporary)
    }

    /// Takes the file away, as everything is carried out.
    func remove(_ slots: [UInt64]) throws(StorageError) {
        do throws(SystemError) {
            do throws(SystemError) { try System.unlink(self.folder.raw, self.id) } catch {
                // Somebody who looked for leftovers saw that everything is done.
                if error.kind != .notFound { throw error }
            }
            for slot in slots { try self.store.locks.files.unmark(slot) }
        } catch {
            throw error.storageError(nil)
        }
    }
}
