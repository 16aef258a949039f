public import KVStorage

/// Items as files below a folder: `a:b:c.json` is the file `a/b/c.json`, for people to look at with `ls` and `cat`.
///
/// The files are what unstorage's fs driver reads and writes. What others put into the folder is an item if a key has its path;
/// anything else is somebody else's: neither listed nor read, cleared or watched.
///
/// - **Names.** Every normal key of at most 1,024 bytes has a file of its own, and a file is an item if a normal key has exactly
///   its path: whatever is listed can be read and removed by that name. A `%` in a name starts an escape here: `50%25` is the
///   item `50%`. Names that others have escaped otherwise, such as `a%2Fb`, `x%20y` and `ada%40example.org`
///   (`encodeURIComponent`), are no items, nor are links, names that end in `$`, that hold `\`, `?` or `:`, or that are not UTF-8.
///   Control characters and `%` are escaped as `%25`, the dot of `.` and `..` as `%2E`, and segments over 255 bytes are spread
///   over folders. Names are bytes: keys that differ in case or normal form only are different, on volumes that don't tell them
///   apart by escaping.
/// - **Branches.** `foo` and `foo:bar` live side by side; `foo` then stands in the folder, as `foo/%item`, and stays there as
///   long as it is not removed. No reader ever misses either.
/// - **Writes** go to a temporary file in the same folder and are renamed: a reader sees the old value or the new one, never a
///   part. What a dead process left behind is removed when the store is opened. A file keeps its mode when its item is written
///   anew, and its group where the group may do more than others; the owner becomes the writing process's.
/// - **Durability** is ``Configuration/durability``. When flushing the folder fails after the file got its name, the call throws
///   `StorageError.Code.inputOutput` saying so: the item was changed, and a power loss may undo that.
/// - **Checksums.** A plain value has none: it is the file and nothing else. That a disk or another program has changed some of
///   its bytes is not seen; use a file system that has checksums, or a layer that seals values, where that matters.
/// - **Lifetimes and custom metadata** stand in a footer after the value, which has a checksum of its own; a plain item is its
///   bytes and nothing else. Where items have lifetimes, a folder `.%ttl` says where to look for those that are due. Items of
///   other processes that died are removed by whoever sweeps or lists next; they are absent to every call from their deadline on
///   anyway.
/// - **Commits** of several items, and batches, are carried out as a whole or not at all, also when the process is killed: the
///   folder `.%commit` holds what a commit does for as long as it is being carried out, and whoever finds that a process died
///   over it completes it. Readers may see a commit in parts meanwhile, and after a kill until the store is opened
///   anywhere, swept, or one of the items written; see ``commit(_:)``.
/// - **Sharing.** Atomic calls hold between processes: every change of an item holds the lock of its key, bytes of the file
///   `.%lock` in the folder (Linux; elsewhere files in a folder of that name), for as long as it takes and no longer than the
///   process lives. There are 16,384 locks: a process that was stopped in the middle of a write holds up the
///   writing of that item and the few that share its lock, and that for ``Configuration/busyTimeout``. The folder must be on a file system of this machine, or one that has such locks and renames
///   of that quality. Don't remove the lock file while processes write.
/// - **Rights.** Users who share a store set ``Configuration/fileMode`` and ``Configuration/folderMode`` so that they may write
///   each other's files. A folder of another user that can't be read, such as `lost+found`, is skipped; an item that can't be
///   read is listed, and reading or removing it throws `StorageError.Code.permissionDenied`.
/// - **The folder** may be removed, or replaced by another, under an open store: it goes on in the one that the path leads to, as
///   if it were opened anew, at once after a removal and within a second after a replacement. While there is none a writable
///   store is empty and the next write makes the folder; a read-only one throws `StorageError.Code.unavailable`.
/// - **Links** are never followed below the base. Reading through one finds nothing, writing through one is refused.
/// - **Watching** emits other processes' changes on Linux, by inotify: one watch for each folder. Elsewhere it emits this
///   process's own. A folder that is moved out of the store is emitted as a gap, and so is one that another process makes
///   and removes before the kernel's word of it has come. An item that comes and goes in such a moment, in a new folder that
///   stays, is not emitted.
///
/// Removing the last item in a folder removes the folder. Clearing goes item by item and is not all-or-nothing. Calls run on the
/// caller's thread but for what may take as long as a disk likes, and for large batches: flushing runs on at most 32 threads that all stores in
/// files share, writers that wait for one folder share its flush, and nobody waits for a lock on a thread.
public final class FilesDriver: StorageDriver {
    /// `files`.
    public let name = "files"
    /// Commits that are whole also after a kill, but seen in parts; shared between processes, custom metadata, own events;
    /// durability as configured; keys of at most 1,024 bytes.
    public let capabilities: Capabilities

    let store: Store
    private let sweeper: ExpirySweeper

    /// Opens the folder at the path, which is made if it is missing; a relative path starts at the current folder.
    ///
    /// - Throws: `StorageError.Code.invalidOption` for an option that can't be honoured or a path that is no folder,
    ///   `StorageError.Code.unavailable` if the folder is missing and read-only,
    ///   `StorageError.Code.permissionDenied` and others if it can't be made or opened.
    public init(path: String, configuration: Configuration = Configuration()) throws(StorageError) {
        let store = try Store(at: path, configuration)
        self.store = store
        self.capabilities = Capabilities(
            configuration.readOnly
                ? [.atomicCommit, .interprocess, .customMetadata, .readOnly]
                : [.atomicCommit, .interprocess, .customMetadata],
            watching: FolderWatcher.watching,
            durability: configuration.durability == .powerLoss ? .powerLoss : .processCrash,
            maximumKeyBytes: PathMapping.maximumKeyBytes
        )
        self.sweeper = ExpirySweeper(clock: configuration.clock) { [weak store] now in await store?.sweep(now) }
        guard !configuration.readOnly else { return }
        store.completeLeftoversAtOpening()
        store.removeStaleTemporaryFiles(within: .milliseconds(50))
        if let next = try store.nextDeadline() { self.sweeper.schedule(next) }
        // What others had locked at the moment, or what could not be read.
        if store.folder.mayHaveLeftovers { self.sweeper.schedule(configuration.clock.now) }
    }

    /// Waits for the calls under way and closes the folder.
    public func dispose() async throws(StorageError) {
        self.sweeper.stop()
        await self.store.close()
    }

    /// Has what expires at that time removed then, without anybody asking, and commits that were left completed.
    func scheduleSweep(_ deadline: Timestamp) { self.sweeper.schedule(deadline) }
}

extension StorageDriver where Self == FilesDriver {
    /// Items in files below a folder, which is made if it is missing.
    ///
    ///     try storage.mount("content", .files(at: "./content"))
    ///
    /// - Throws: `StorageError.Code.invalidOption` for an option that can't be honoured,
    ///   `StorageError.Code.permissionDenied` and others if the folder can't be made or opened.
    public static func files(
        at path: String,
        _ configuration: FilesDriver.Configuration = .init()
    ) throws(StorageError) -> FilesDriver {
        try FilesDriver(path: path, configuration: configuration)
    }
}
