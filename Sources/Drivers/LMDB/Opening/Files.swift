import CKVStorageLMDB
import KVStorage
import Synchronization

/// The files of an open environment, and what has become of them since.
///
/// LMDB never looks: who deletes or replaces them leaves it writing into files that no path leads to.
struct Files: Sendable {
    enum State {
        case sound
        /// A file has a second name.
        case linked(StorageError)
        /// A file was deleted, or another one put in its place.
        case lost(StorageError)
    }

    let dataPath: String
    let lockPath: String
    let data: LMDBPlatform.FileIdentity
    /// `nil` on a file system that is read-only.
    let lock: LMDBPlatform.FileIdentity?

    /// Takes down which files were opened.
    init(_ folder: Folder) throws(StorageError) {
        // A relative path would lead elsewhere once the process changes its working directory.
        let path = LMDBPlatform.resolved(folder.path)
        self.dataPath = path + "/data.mdb"
        self.lockPath = path + "/lock.mdb"
        guard let data = folder.identity else {
            throw StorageError(.unavailable, "the environment at \"\(path)\" was removed while it was opened")
        }
        self.data = data
        self.lock = folder.lockIdentity
    }

    /// Looks whether the paths still lead to the files.
    func look() -> State {
        let names = [(self.dataPath, self.data)] + (self.lock.map { [(self.lockPath, $0)] } ?? [])
        for (path, identity) in names {
            switch LMDBPlatform.kind(of: path) {
            // Not to be reached is not to be judged.
            case .unreachable: continue
            case .missing: return .lost(Self.lost(path))
            default: break
            }
            guard let look = LMDBPlatform.look(at: path) else { continue }
            if look.identity != identity { return .lost(Self.lost(path)) }
            if look.linkCount > 1 { return .linked(Folder.linked(path)) }
        }
        return .sound
    }

    static func lost(_ path: String) -> StorageError {
        StorageError(
            .unavailable,
            """
            "\(path)" was deleted, moved or replaced while the environment was open, so writes would be lost; dispose of \
            the drivers in all processes, put the files in their place and open it again
            """
        )
    }
}

extension Environment {
    /// Looks after what LMDB leaves to others: readers that were killed, whose pages can't be used again, and files that
    /// were deleted or replaced. Blocks while the map is taken away.
    func inspect() {
        switch self.files.look() {
        case .sound: self.refuseWrites(nil)
        case .linked(let error): self.refuseWrites(error)
        case .lost(let error): self.lose(error)
        }
    }

    private func refuseWrites(_ error: StorageError?) {
        // A transaction that is being waited for can't be stopped; the next look will do.
        self.writing.withLockIfAvailable { _ in
            guard self.failure == nil else { return }
            self.writeRefusal = error
            mdb_reader_check(self.handle, nil)
        }
    }

    /// Has every call throw the error from now on.
    private func lose(_ error: StorageError) {
        self.writing.withLock { _ in
            guard self.failure == nil else { return }
            self.readers.hold()
            self.readers.close(with: error)
            self.failure = error
        }
    }
}
