import Dispatch
import KVStorage
import Synchronization

/// The base folder and what is needed to work in it. Everything here is synchronous; the driver decides on which thread.
final class FileStore: Sendable {
    typealias Configuration = FileSystemDriver.Configuration

    let configuration: Configuration
    let mapping: PathMapping
    let ignored: IgnorePatterns
    let events = EventHub()
    let gate = OperationGate()
    let locks = KeyLocks()
    let watcher: FolderWatcher
    /// Tells the temporary files of this store from those of other processes and other stores.
    let instance: String
    /// The base folder. Open until ``close()``, which waits for every call.
    let base: Int32
    /// For what may block for long: flushing, and waiting for other processes.
    let queue = DispatchQueue(label: "kv-storage.files", attributes: .concurrent)
    /// What new files have, less the umask, which can't be asked for without changing it; 0 until the first was made.
    let usualMode = Atomic<UInt32>(0)

    private let temporaryCount = Atomic(0)

    init(at path: String, _ configuration: Configuration) throws(StorageError) {
        self.configuration = configuration
        self.ignored = try IgnorePatterns(configuration.ignore)
        for mode in [configuration.fileMode, configuration.folderMode].compactMap({ $0 }) where mode > 0o7777 {
            throw StorageError(.invalidOption, "a mode is at most 0o7777; \(String(mode, radix: 8)) is not one")
        }
        let base = try Self.openBase(path, configuration)
        self.base = base
        self.mapping = PathMapping(escapesLetters: !System.comparesNamesByBytes(base))
        var random = SystemRandomNumberGenerator()
        self.instance = String(random.next() as UInt64, radix: 36)
        self.watcher = FolderWatcher(
            base: base, instance: self.instance, mapping: self.mapping, ignored: self.ignored, events: self.events)
    }

    private static func openBase(_ path: String, _ configuration: Configuration) throws(StorageError) -> Int32 {
        guard !path.isEmpty, !path.utf8.contains(0) else {
            throw StorageError(.invalidOption, "the path of the folder is empty or holds NUL; name a folder")
        }
        do {
            if !configuration.readOnly {
                try System.makeFolders(path, configuration.folderMode ?? 0o777)
            }
            return try System.openBase(path).release()
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
        if !self.gate.isClosed { self.closeBase() }
    }

    /// Waits for what is under way and closes the folder.
    func close() async {
        if await self.gate.close() { self.closeBase() }
    }

    private func closeBase() {
        self.watcher.stop()
        System.close(self.base)
    }

    var isDurable: Bool { self.configuration.durability == .powerLoss }

    /// The deadlines of items, in a folder of their own.
    var index: DeadlineIndex { DeadlineIndex(store: self) }

    /// Returns a name for a temporary file or folder that nobody else uses.
    func temporaryName() -> String {
        let number = self.temporaryCount.add(1, ordering: .relaxed).newValue
        return "\(PathMapping.temporaryPrefix)\(self.instance)-\(String(number, radix: 36))"
    }

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
