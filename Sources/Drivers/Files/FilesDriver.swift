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
/// - **Sharing.** Atomic calls hold between processes: every change of an item holds the lock of its key, bytes of the file
///   `.%lock` in the folder (Linux; elsewhere files in a folder of that name), for as long as it takes and no longer than the
///   process lives. A process that was stopped in the middle of a write holds up that item alone, and that for
///   ``Configuration/busyTimeout``. The folder must be on a file system of this machine, or one that has such locks and renames
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
/// Removing the last item in a folder removes the folder. A batch is carried out in order and is not all-or-nothing. Calls run on
/// the caller's thread but for what may take as long as a disk likes: flushing runs on at most 32 threads that all stores in
/// files share, writers that wait for one folder share its flush, and nobody waits for a lock on a thread.
public final class FilesDriver: StorageDriver {
    /// `files`.
    public let name = "files"
    /// Shared between processes, custom metadata, own events; durability as configured; keys of at most 1,024 bytes.
    public let capabilities: Capabilities
    /// Tells of changes below the folder.
    public var events: EventHub? { self.store.events }

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
            interprocess: true,
            customMetadata: true,
            readOnly: configuration.readOnly,
            watching: FolderWatcher.watching,
            durability: configuration.durability == .powerLoss ? .powerLoss : .processCrash,
            maximumKeyBytes: PathMapping.maximumKeyBytes
        )
        self.sweeper = ExpirySweeper(clock: configuration.clock) { [weak store] now in await store?.sweep(now) }
        guard !configuration.readOnly else { return }
        store.removeStaleTemporaryFiles(within: .milliseconds(50))
        if let next = try store.nextDeadline() { self.sweeper.schedule(next) }
    }

    /// Returns the item's bytes.
    public func getItem(_ key: String) async throws(StorageError) -> [UInt8]? {
        try self.store.reading { () throws(StorageError) in try self.store.item(key, loadsValue: true)?.value }
    }

    /// Returns whether the item is there, without reading its value.
    public func hasItem(_ key: String) async throws(StorageError) -> Bool {
        try self.store.reading { () throws(StorageError) in try self.store.item(key, loadsValue: false) != nil }
    }

    /// Stores the bytes.
    public func setItem(_ key: String, _ value: [UInt8], _ options: WriteOptions) async throws(StorageError) {
        try await self.change(key, loadsValue: false) { [store] current in
            (store.write(value, over: current, options), ())
        }
    }

    /// Removes the item's file.
    public func removeItem(_ key: String) async throws(StorageError) -> Bool {
        try await self.change(key, loadsValue: false) { current in (.remove, current != nil) }
    }

    /// Replaces the item if its bytes are as expected.
    public func compareAndSwapItem(
        _ key: String,
        expected: [UInt8]?,
        replacement: [UInt8]?,
        _ options: WriteOptions
    ) async throws(StorageError) -> CompareAndSwapResult {
        try self.store.checkWritable(key)
        // Where many change one item most come too late, and need not wait for the lock to learn that.
        let seen = try await self.getItem(key)
        guard seen == expected else { return .mismatch(current: seen) }
        return try await self.change(key, loadsValue: true) { [store] current in
            guard current?.value == expected else { return (.nothing, .mismatch(current: current?.value)) }
            guard let replacement else { return (.remove, .swapped) }
            return (store.write(replacement, over: current, options), .swapped)
        }
    }

    /// Returns the item's bytes and removes its file.
    public func takeItem(_ key: String) async throws(StorageError) -> [UInt8]? {
        try await self.change(key, loadsValue: true) { current in (.remove, current?.value) }
    }

    /// Adds to the number that the item holds.
    public func incrementItem(
        _ key: String, by amount: Int, _ options: WriteOptions
    ) async throws(StorageError) -> Int {
        try await self.change(key, loadsValue: true) { [store] current throws(StorageError) in
            let (sum, bytes) = try StoredInteger.increment(current?.value, by: amount, key: key)
            return (store.write(bytes, over: current, options), sum)
        }
    }

    /// Gives the item a new lifetime; its file is written anew.
    public func touchItem(_ key: String, ttl: Duration?) async throws(StorageError) -> Bool {
        try await self.change(key, loadsValue: true) { [clock = self.clock] current in
            guard let current, let value = current.value else { return (.nothing, false) }
            let deadline = ttl.map { clock.now.advanced(by: $0) }
            return (
                .write(value, deadline: deadline, fields: current.record.fields, modified: current.status.modified),
                true
            )
        }
    }

    /// Returns size, time of writing, lifetime and custom metadata.
    ///
    /// Neither `atime` nor `birthtime`: most systems keep a file's time of access only coarsely (`relatime`), and the file of
    /// an item is made anew by every write.
    public func getMeta(_ key: String) async throws(StorageError) -> ItemMeta? {
        let item = try self.store.reading { () throws(StorageError) in try self.store.item(key, loadsValue: false) }
        guard let item else { return nil }
        return ItemMeta(
            mtime: item.status.modified,
            ttl: item.record.deadline.map { self.clock.now.duration(to: $0) },
            size: item.record.valueCount,
            fieldBytes: item.record.fields
        )
    }

    /// Keeps custom metadata; the item's file is written anew.
    public func setMeta(_ key: String, _ fields: [UInt8]?) async throws(StorageError) -> Bool {
        try await self.change(key, loadsValue: true) { current in
            guard let current, let value = current.value else { return (.nothing, false) }
            let deadline = current.record.deadline
            return (.write(value, deadline: deadline, fields: fields, modified: current.status.modified), true)
        }
    }

    /// Returns one page of keys, in the order of the file system.
    public func getKeys(_ query: KeyQuery) async throws(StorageError) -> KeyPage {
        try self.store.gate.enter()
        defer { self.store.gate.leave() }
        try self.store.look()
        switch try await self.store.removeExpired() {
        case .hidden(let keys):
            return try self.store.keys(query, without: keys)
        case .unknown:
            var page = try self.store.keys(query, without: [])
            page.keys.removeAll { key in
                // What can't be read is there all the same.
                if case .some(.none) = try? self.store.item(key, loadsValue: false) { return true }
                return false
            }
            return page
        }
    }

    /// Removes what is listed below the base, one item after the other, and returns how many there were.
    ///
    /// Items that the process may not read or remove stay, and so do items whose footer can't be read for that reason; all
    /// others are removed all the same.
    /// - Throws: at the end, `StorageError.Code.permissionDenied` if an item had to stay and nothing was removed,
    ///   `StorageError.Code.partlyDone` if others were; the error names the first that stayed.
    public func clear(_ base: String) async throws(StorageError) -> Int {
        var query = KeyQuery(base: base)
        var removedCount = 0
        var keptCount = 0
        var failure: StorageError?
        repeat {
            let page = try await self.getKeys(query)
            for key in page.keys {
                do throws(StorageError) {
                    if try await self.removeItem(key) { removedCount += 1 }
                } catch {
                    guard error.code == .permissionDenied else { throw error }
                    failure = failure ?? error
                    keptCount += 1
                }
            }
            query.cursor = page.cursor
        } while query.cursor != nil
        guard let failure else { return removedCount }
        guard removedCount > 0 else { throw failure }
        throw StorageError(
            .partlyDone, "\(removedCount) items were removed, \(keptCount) could not be: \(failure.message)",
            key: failure.key, underlying: failure)
    }

    /// Starts to listen to the kernel.
    public func startWatching() async throws(StorageError) {
        try self.store.gate.enter()
        defer { self.store.gate.leave() }
        try await self.store.watcher.start()
    }

    /// Waits for the calls under way and closes the folder.
    public func dispose() async throws(StorageError) {
        self.sweeper.stop()
        await self.store.close()
    }

    private var clock: any StorageClock { self.store.configuration.clock }

    private func change<Result: Sendable>(
        _ key: String, loadsValue: Bool, _ decide: @escaping Store.Decision<Result>
    ) async throws(StorageError) -> Result {
        try self.store.checkWritable(key)
        let outcome = try await self.store.change(key, loadsValue: loadsValue, decide)
        if let deadline = outcome.deadline { self.sweeper.schedule(deadline) }
        if let failure = outcome.failure { throw failure }
        return outcome.result
    }
}
