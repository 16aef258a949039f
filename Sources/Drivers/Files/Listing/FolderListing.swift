import KVStorage

/// Where a walk stands in one folder.
///
/// Holds the names that come next, up to a bound, so that a folder of any size is read a few times and not once for each
/// page, and never held as a whole.
struct FolderListing: Sendable {
    /// How many names are held at most.
    static let chunkCount = 1 << 16

    let path: String
    let branch: PathMapping.Branch
    /// The name that the walk has come to; empty at the start.
    private(set) var position: String

    private var entries: [FolderReader.Entry] = []
    private var index = 0
    /// Whether what is held goes to the end of the folder.
    private var isComplete = false
    private var isRead = false
    /// When the folder was changed last, as of the reading; `nil` if that was too short a time ago to say.
    private var stamp: Int64?
    /// Whether it has to be looked at whether the folder has changed since it was read.
    private var isOld = false
    /// Whether each name has to be looked up, as the folder has changed since it was read.
    private var isChanged = false

    init(path: String, branch: PathMapping.Branch, after position: String) {
        self.path = path
        self.branch = branch
        self.position = position
    }

    /// Notes that time has passed since the last call of ``next(_:)``.
    mutating func age() {
        self.isOld = self.isRead
    }

    /// Returns the next entry in the order of the names' bytes, as it is now; `nil` at the end, or if the folder is gone.
    mutating func next(_ store: Store) throws(StorageError) -> FolderReader.Entry? {
        if self.isOld { try self.compare(store) }
        while true {
            if self.index == self.entries.count {
                if self.isRead, self.isComplete { return nil }
                guard try self.read(store) else { return nil }
                if self.entries.isEmpty { return nil }
            }
            let entry = self.entries[self.index]
            self.index += 1
            self.position = entry.name
            guard self.isChanged else { return entry }
            guard let folder = try self.open(store) else { return nil }
            do {
                return FolderReader.Entry(name: entry.name, kind: try FileStatus.of(folder.raw, entry.name).kind)
            } catch {
                if !error.meansAbsent { throw error.storageError(self.branch.key) }
            }
        }
    }

    private func open(_ store: Store) throws(StorageError) -> FileHandle? {
        try store.openListed(self.path, self.branch.key)
    }

    /// Looks whether the folder is as it was when it was read: then the names held are those that there are.
    private mutating func compare(_ store: Store) throws(StorageError) {
        self.isOld = false
        guard let folder = try self.open(store) else {
            self.entries = []
            self.index = 0
            self.isComplete = true
            return
        }
        let stamp = try store.status(folder.raw, self.branch.key).stamp
        if stamp != self.stamp { self.isChanged = true }
    }

    /// Reads the names after the position, the first of them up to the bound; `false` if the folder is gone.
    private mutating func read(_ store: Store) throws(StorageError) -> Bool {
        guard let folder = try self.open(store) else { return false }
        var entries: [FolderReader.Entry] = []
        var isComplete = true
        var last: String?
        do throws(SystemError) {
            let stamp = try FileStatus.of(folder.raw).stamp
            // Times are coarse: a change right after the reading may leave the stamp as it is.
            let age = SystemClock().now.milliseconds - stamp / 1_000_000
            self.stamp = age > 50 ? stamp : nil
            // Another handle: the position in the folder belongs to it.
            let reader = try FolderReader(try System.reopen(folder.raw))
            while let entry = try reader.next() {
                guard keyPrecedes(self.position, entry.name) else { continue }
                if let last, !keyPrecedes(entry.name, last) { continue }
                entries.append(entry)
                if entries.count == 2 * Self.chunkCount {
                    entries.sort { keyPrecedes($0.name, $1.name) }
                    entries.removeLast(Self.chunkCount)
                    isComplete = false
                    last = entries.last?.name
                }
            }
        } catch {
            throw error.storageError(self.branch.key)
        }
        entries.sort { keyPrecedes($0.name, $1.name) }
        self.entries = entries
        self.index = 0
        self.isComplete = isComplete
        self.isRead = true
        self.isOld = false
        self.isChanged = false
        return true
    }
}
