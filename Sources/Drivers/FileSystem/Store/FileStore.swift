import Dispatch
import KVStorage
import Synchronization

/// The base folder and what is needed to work in it. Everything here is synchronous; the driver decides on which thread.
final class FileStore: Sendable {
    typealias Configuration = FileSystemDriver.Configuration

    let configuration: Configuration
    /// The base folder. Open until ``close()``, which waits for every call.
    let folder: SharedFolder
    /// What happens below the base, as long as the store is open.
    let events = EventHub()
    let gate = OperationGate()
    let listings = ListingCache()
    /// For what may block for long: flushing, and waiting for other processes.
    let queue = DispatchQueue(label: "kv-storage.files", attributes: .concurrent)
    /// What new files have, less the umask, which can't be asked for without changing it; 0 until the first was made.
    let usualMode = Atomic<UInt32>(0)

    private let observer: Int

    init(at path: String, _ configuration: Configuration) throws(StorageError) {
        self.configuration = configuration
        for mode in [configuration.fileMode, configuration.folderMode].compactMap({ $0 }) where mode > 0o7777 {
            throw StorageError(.invalidOption, "a mode is at most 0o7777; \(String(mode, radix: 8)) is not one")
        }
        let folder = try SharedFolder.acquire(try Self.openBase(path, configuration), ignore: configuration.ignore)
        self.folder = folder
        self.observer = folder.events.addObserver { [events] event in events.emit(event) }
    }

    var base: Int32 { self.folder.base }
    var mapping: PathMapping { self.folder.mapping }
    var ignored: IgnorePatterns { self.folder.ignored }
    var locks: KeyLocks { self.folder.locks }
    var watcher: FolderWatcher { self.folder.watcher }

    private static func openBase(_ path: String, _ configuration: Configuration) throws(StorageError) -> FileHandle {
        guard !path.isEmpty, !path.utf8.contains(0) else {
            throw StorageError(.invalidOption, "the path of the folder is empty or holds NUL; name a folder")
        }
        do {
            if !configuration.readOnly {
                try System.makeFolders(path, configuration.folderMode ?? 0o777)
            }
            return try System.openBase(path)
        } catch {
            switch error.kind {
            case .notFound:
                throw StorageError(.unavailable, "the folder \"\(path)\" is missing", underlying: error)
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
        return try body()
    }

    /// Runs the body on a thread where it may block.
    func onQueue<Result: Sendable>(
        _ body: @escaping @Sendable () throws(StorageError) -> Result
    ) async throws(StorageError) -> Result {
        let result = await withCheckedContinuation { continuation in
            self.queue.async {
                let result: Swift.Result<Result, StorageError>
                do throws(StorageError) { result = .success(try body()) } catch { result = .failure(error) }
                continuation.resume(returning: result)
            }
        }
        return try result.get()
    }
}
