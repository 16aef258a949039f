import KVStorage
import Synchronization

/// A base folder and what all stores of this process that are open on it have in common.
///
/// Stores of one process emit their changes here, at once and each change once; the kernel need only tell of other processes.
/// Stores with different `ignore` patterns, or by different paths, don't share, as they watch different folders, or may come
/// to mean different ones; they see each other as they see other processes.
final class SharedFolder: Sendable {
    private struct ID: Hashable {
        let folder: FileStatus.Identity
        // By bytes: strings compare by canonical equivalence.
        let path: [UInt8]
        let ignore: [[UInt8]]
        /// Not 0 for one whose folder became one that another already stands for.
        var number = 0
    }

    private static let opened = Mutex<[ID: (folder: SharedFolder, users: Int)]>([:])

    /// The folder. Open until the last user's ``release()``; see ``renew(_:)``.
    let base: Int32
    let mapping: PathMapping
    let ignored: IgnorePatterns
    /// What all stores on the folder do, and what the watcher sees others do.
    let events = EventHub()
    let locks: KeyLocks
    let watcher: FolderWatcher
    let flush = FolderFlush()
    let durableFolders = DurableFolders()
    /// Tells the temporary files of these stores from those of others.
    let instance: String
    /// What the name of every write's file starts with.
    private let writeStart: String
    /// When it was last looked at whether the path still leads to the folder, in milliseconds since the system's start.
    let lookTime = Atomic<Int64>(0)

    private let id: Mutex<ID>
    private let temporaryCount = Atomic(0)
    private let examinedEpoch = Atomic(-1)
    private let renewalCount = Atomic(0)
    private let renewal = Mutex(())

    private init(
        _ id: ID, base: Int32, _ mapping: PathMapping, _ ignored: IgnorePatterns, lockMode: UInt32
    ) {
        var random = SystemRandomNumberGenerator()
        self.id = Mutex(id)
        self.base = base
        self.mapping = mapping
        self.ignored = ignored
        self.locks = KeyLocks(System.slotLocks(base, mode: lockMode))
        self.instance = String(random.next() as UInt64, radix: 36)
        self.writeStart = TemporaryName.start(.write, instance: self.instance)
        self.watcher = FolderWatcher(
            base: base, instance: self.instance, mapping: mapping, ignored: ignored, events: self.events)
        let path = String(decoding: id.path, as: UTF8.self)
        self.watcher.renewBase.withLock { renew in
            renew = { [weak self] in
                guard let self, let base = try? FileStatus.of(self.base) else { return true }
                let isRemoved = base.linkCount == 0
                // A path that leads nowhere may do so between two renames that swap the folder.
                guard let status = try? FileStatus.of(path: path), status.kind == .folder else { return !isRemoved }
                if status.identity == base.identity { return true }
                return (try? self.renew { try? System.openBase(path) }) ?? !isRemoved
            }
        }
    }

    /// Returns what there is for the folder already, or begins anew; whoever calls has to call ``release()``.
    ///
    /// - Parameter lockMode: the mode of the lock file, if this makes it.
    static func acquire(
        _ base: consuming FileHandle, path: String, ignore: [String], lockMode: UInt32
    ) throws(StorageError) -> SharedFolder {
        let ignored = try IgnorePatterns(ignore)
        let status: FileStatus
        do { status = try FileStatus.of(base.raw) } catch { throw error.storageError(nil) }
        let mapping = PathMapping(escapesLetters: !System.comparesNamesByBytes(base.raw))
        // As long as the folder is open nothing else gets its number.
        let id = ID(folder: status.identity, path: Array(path.utf8), ignore: ignore.map { Array($0.utf8) })
        let raw = base.release()
        let folder = self.opened.withLock { opened in
            let folder = opened[id]?.folder ?? SharedFolder(id, base: raw, mapping, ignored, lockMode: lockMode)
            opened[id] = (folder, (opened[id]?.users ?? 0) + 1)
            return folder
        }
        if folder.base != raw { System.close(raw) }
        return folder
    }

    /// Ends one use; the last one ends the watching and closes the folder.
    func release() {
        let isLast = Self.opened.withLock { opened in
            let id = self.id.withLock { $0 }
            let users = (opened[id]?.users ?? 1) - 1
            opened[id] = users == 0 ? nil : (self, users)
            return users == 0
        }
        guard isLast else { return }
        self.watcher.stop()
        System.close(self.base)
    }

    /// Whether commits of processes that died may have been left here without a mark at the locks: after a power loss, and in
    /// a folder that was not looked through yet.
    var mayHaveLeftovers: Bool { self.examinedEpoch.load(ordering: .acquiring) != self.epoch }

    /// Notes that the folder of that ``epoch`` was looked through, and that what was left in it is marked.
    func noteExamined(_ epoch: Int) { self.examinedEpoch.store(epoch, ordering: .releasing) }

    /// Returns a name for a temporary file or folder that nobody else uses.
    func temporaryName(_ kind: TemporaryName.Kind) -> String {
        let number = self.temporaryCount.add(1, ordering: .relaxed).newValue
        let start = kind == .write ? self.writeStart : TemporaryName.start(kind, instance: self.instance)
        return start + String(number, radix: 36)
    }
}

// MARK: - Another folder under the same path

extension SharedFolder {
    /// Counts how often the folder became another one: who took a lock before has it no more.
    var epoch: Int { self.renewalCount.load(ordering: .acquiring) }

    /// Whether the folder was removed.
    var isRemoved: Bool {
        guard let status = try? FileStatus.of(self.base) else { return false }
        return status.linkCount == 0
    }

    /// Goes over to the folder that the path leads to now; `false` if there is none.
    ///
    /// ``base`` keeps its number and stands for the other folder at once, for every call and whatever it is doing: what a
    /// call has begun in the old folder fails there and is begun anew.
    func renew(_ open: () throws(StorageError) -> FileHandle?) throws(StorageError) -> Bool {
        // Rare, and a few calls that wait for nobody: whoever comes meanwhile needs the outcome.
        try self.renewal.withLock { _ throws(StorageError) -> Bool in
            guard let folder = try open() else { return false }
            do throws(SystemError) {
                let status = try FileStatus.of(folder.raw)
                if try FileStatus.of(self.base).identity == status.identity { return true }
                try System.replace(self.base, by: folder.raw)
                self.move(to: status.identity)
            } catch {
                throw error.storageError(nil)
            }
            self.renewalCount.add(1, ordering: .acquiringAndReleasing)
            self.locks.files.reset()
            self.durableFolders.forgetAll()
            self.watcher.baseWasReplaced()
            return true
        }
    }

    private func move(to identity: FileStatus.Identity) {
        Self.opened.withLock { opened in
            self.id.withLock { id in
                let entry = opened.removeValue(forKey: id)
                id = ID(folder: identity, path: id.path, ignore: id.ignore)
                while opened[id] != nil { id.number += 1 }
                opened[id] = entry
            }
        }
    }
}
