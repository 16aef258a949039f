import KVStorage

/// The folders that a commit works in, kept open up to a bound: many of its items stand in the same one.
final class CommitFolders {
    private static let capacity = 32

    private let store: Store
    private var folders: [KeyIdentity: OpenFolder] = [:]

    init(_ store: Store) {
        self.store = store
    }

    /// Opens a folder; `nil` if there is none.
    func open(_ path: String, _ key: String) throws(StorageError) -> OpenFolder? {
        if let folder = self.folders[KeyIdentity(path)] { return folder }
        guard let handle = try self.store.open(System.folderFlags, path, key) else { return nil }
        return self.insert(path, handle)
    }

    /// Keeps a folder that was opened elsewhere.
    @discardableResult
    func insert(_ path: String, _ handle: consuming FileHandle) -> OpenFolder {
        if self.folders.count >= Self.capacity { self.folders = [:] }
        let folder = OpenFolder(handle)
        self.folders[KeyIdentity(path)] = folder
        return folder
    }

    /// Flushes folders, each once; one that is gone need not be.
    func flush(_ paths: [String], _ key: String) throws(StorageError) {
        var flushed: Set<KeyIdentity> = []
        for path in paths where flushed.insert(KeyIdentity(path)).inserted {
            guard let folder = try self.open(path, key) else { continue }
            do { try System.synchronize(folder.raw) } catch { throw error.storageError(key) }
        }
    }
}
