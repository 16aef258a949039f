import KVStorage
import Synchronization

/// The base folder and what is needed to work in it.
final class Store: Sendable {
    typealias Configuration = FilesDriver.Configuration

    let configuration: Configuration
    /// Where the base folder is, from the root of the file system.
    let path: String
    /// The base folder. Open until ``close()``, which waits for every call.
    let folder: SharedFolder
    /// What happens below the base, as long as the store is open.
    let events = EventHub()
    let gate = OperationGate()
    let listings = ListingCache()
    /// What new files have, less the umask, which can't be asked for without changing it; 0 until the first was made.
    let usualMode = Atomic<UInt32>(0)

    /// Whether the time is the one that the file system notes by itself. Looked at once, as a cast is slow.
    let hasSystemClock: Bool

    private let observer: Int

    init(at path: String, _ configuration: Configuration) throws(StorageError) {
        self.configuration = configuration
        self.hasSystemClock = configuration.clock is SystemClock
        try configuration.validate()
        guard !path.isEmpty, !path.utf8.contains(0) else {
            throw StorageError(.invalidOption, "the path of the folder is empty or holds NUL; name a folder")
        }
        self.path = System.absolutePath(path)
        let folder = try SharedFolder.acquire(
            try Self.openBase(self.path, configuration, makes: !configuration.readOnly),
            path: self.path, ignore: configuration.ignore, lockMode: configuration.lockMode)
        self.folder = folder
        self.observer = folder.events.addObserver { [events] event in events.emit(event) }
        guard !configuration.readOnly else { return }
        // What can't be made now is made by the first write, which says why if it still can't be.
        try? folder.locks.files.prepare()
        self.narrowIndex()
    }

    var base: Int32 { self.folder.base }
    var mapping: PathMapping { self.folder.mapping }
    var ignored: IgnorePatterns { self.folder.ignored }
    var locks: KeyLocks { self.folder.locks }
    var watcher: FolderWatcher { self.folder.watcher }

    static func openBase(
        _ path: String, _ configuration: Configuration, makes: Bool
    ) throws(StorageError) -> FileHandle {
        do {
            if makes {
                try System.makeFolders(path, configuration.folderMode ?? 0o777)
            }
            return try System.openBase(path)
        } catch {
            switch error.kind {
            case .notFound:
                throw StorageError(
                    .unavailable, "the folder \"\(path)\" is missing; make it, or open the store to write",
                    underlying: error)
            case .notAFolder, .exists:
                throw StorageError(.invalidOption, "\"\(path)\" is not a folder", underlying: error)
            default:
                throw error.storageError(nil)
            }
        }
    }

    deinit {
        if !self.gate.isClosed { self.closeFolder() }
    }

    /// Waits for what is under way and closes the folder.
    func close() async {
        if await self.gate.close() { self.closeFolder() }
    }

    private func closeFolder() {
        self.folder.events.removeObserver(self.observer)
        self.folder.release()
    }

    var isDurable: Bool { self.configuration.durability == .powerLoss }

    /// The deadlines of items, in a folder of their own.
    var index: DeadlineIndex { DeadlineIndex(store: self) }

    /// Throws unless the key may be written.
    func checkWritable(_ key: String) throws(StorageError) {
        if self.configuration.readOnly {
            throw StorageError(.readOnly, "the driver is configured to be read-only", key: key)
        }
        if self.ignored.matches(key) {
            throw StorageError(.invalidKey, "the key matches a pattern in `ignore`, so it can't be an item", key: key)
        }
    }

    /// Runs the body, which reads, unless the store is closed; closing waits for it.
    func reading<Result>(_ body: () throws(StorageError) -> Result) throws(StorageError) -> Result {
        try self.gate.enter()
        defer { self.gate.leave() }
        try self.look()
        return try body()
    }
}
