import KVStorage
import Synchronization

/// A base folder and what all stores of this process that are open on it have in common.
///
/// Stores of one process tell each other of their changes here, at once and each change once; the kernel need only tell of
/// other processes. Stores with different `ignore` patterns don't share, as they watch different folders; they see each other
/// as they see other processes.
final class SharedFolder: Sendable {
    private struct ID: Hashable {
        let folder: FileStatus.Identity
        // By bytes: strings compare by canonical equivalence.
        let ignore: [[UInt8]]
    }

    private static let opened = Mutex<[ID: (folder: SharedFolder, users: Int)]>([:])

    /// The folder. Open until the last user's ``release()``.
    let base: Int32
    let mapping: PathMapping
    let ignored: IgnorePatterns
    /// What all stores on the folder do, and what the watcher sees others do.
    let events = EventHub()
    let locks = KeyLocks()
    let watcher: FolderWatcher
    /// Tells the temporary files of these stores from those of others.
    let instance: String

    private let id: ID
    private let temporaryCount = Atomic(0)

    private init(_ id: ID, base: Int32, _ mapping: PathMapping, _ ignored: IgnorePatterns) {
        var random = SystemRandomNumberGenerator()
        self.id = id
        self.base = base
        self.mapping = mapping
        self.ignored = ignored
        self.instance = String(random.next() as UInt64, radix: 36)
        self.watcher = FolderWatcher(
            base: base, instance: self.instance, mapping: mapping, ignored: ignored, events: self.events)
    }

    /// Returns what there is for the folder already, or begins anew; whoever calls has to call ``release()``.
    static func acquire(_ base: consuming FileHandle, ignore: [String]) throws(StorageError) -> SharedFolder {
        let ignored = try IgnorePatterns(ignore)
        let status: FileStatus
        do { status = try FileStatus.of(base.raw) } catch { throw error.storageError(nil) }
        let mapping = PathMapping(escapesLetters: !System.comparesNamesByBytes(base.raw))
        // As long as the folder is open nothing else gets its number.
        let id = ID(folder: status.identity, ignore: ignore.map { Array($0.utf8) })
        let raw = base.release()
        let folder = self.opened.withLock { opened in
            let folder = opened[id]?.folder ?? SharedFolder(id, base: raw, mapping, ignored)
            opened[id] = (folder, (opened[id]?.users ?? 0) + 1)
            return folder
        }
        if folder.base != raw { System.close(raw) }
        return folder
    }

    /// Ends one use; the last one ends the watching and closes the folder.
    func release() {
        let isLast = Self.opened.withLock { opened in
            let users = (opened[self.id]?.users ?? 1) - 1
            opened[self.id] = users == 0 ? nil : (self, users)
            return users == 0
        }
        guard isLast else { return }
        self.watcher.stop()
        System.close(self.base)
    }

    /// Returns a name for a temporary file or folder that nobody else uses.
    func temporaryName(_ kind: TemporaryName.Kind) -> String {
        let number = self.temporaryCount.add(1, ordering: .relaxed).newValue
        return TemporaryName.make(kind, instance: self.instance, number: number)
    }
}
