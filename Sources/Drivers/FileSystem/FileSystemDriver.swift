public import KVStorage

/// Items as files below a folder: `a:b:c.json` is the file `a/b/c.json`, for people to look at with `ls` and `cat`.
///
/// The files are what unstorage's fs driver reads and writes. What others put into the folder is an item if a key has its path;
/// anything else, such as links, names that end in `$`, and names that are not UTF-8, is left alone.
///
/// - **Names.** Every legal key of at most 1,024 bytes has a file of its own. Segments that can't be a name are escaped as
///   `%41`, those over 255 bytes are spread over folders. Names are bytes: keys that differ in case or normal form only are
///   different, on volumes that don't tell them apart by escaping.
/// - **Branches.** `foo` and `foo:bar` live side by side; `foo` then stands in the folder, as `foo/%item`, and stays there as
///   long as it is not removed. No reader ever misses either.
/// - **Writes** go to a temporary file in the same folder and are renamed: a reader sees the old value or the new one, never a
///   part. What a dead process left behind is removed when the store is opened.
/// - **Durability** is ``Configuration/durability``.
/// - **Life times and custom metadata** stand in a footer after the value; a plain item is its bytes and nothing else. Where
///   items have life times, a folder `.%ttl` tells where to look for those that are due. Items of other processes that died
///   are removed by whoever sweeps or lists next; they are absent to every call from their deadline on anyway.
/// - **Sharing.** Atomic calls hold between processes, by locks on the items' files (`flock`) that go with their holder. The
///   folder must be on a file system of this machine, or one that has `flock` and renames of that quality.
/// - **Links** are never followed below the base. Reading through one finds nothing, writing through one is refused.
/// - **Watching** tells of other processes' changes on Linux, by inotify: one watch for each folder. Elsewhere it tells of
///   this process's own. A folder that is moved out of the store is told as a gap, and so is one that another process makes
///   and removes before the kernel's word of it has come. An item that comes and goes in such a moment, in a new folder that
///   stays, is not told of.
///
/// Removing the last item in a folder removes the folder. A batch is carried out in order and is not all-or-nothing. A call
/// that flushes, or waits for another process, runs on a thread of its own; all others on the caller's.
public final class FileSystemDriver: StorageDriver {
    /// `files`.
    public let name = "files"
    /// Shared between processes, custom metadata, own events; durability as configured; keys of at most 1,024 bytes.
    public let capabilities: Capabilities
    /// Tells of changes below the folder.
    public var events: EventHub? { self.store.events }

    let store: FileStore
    private let sweeper: ExpirySweeper

    /// Opens the folder at the path, which is made if it is missing; a relative path starts at the current folder.
    ///
    /// - Throws: `StorageError.Code.invalidOption` for an option that can't be honoured or a path that is no folder,
    ///   `StorageError.Code.unavailable` if the folder is missing and read-only,
    ///   `StorageError.Code.permissionDenied` and others if it can't be made or opened.
    public init(path: String, configuration: Configuration = Configuration()) throws(StorageError) {
        let store = try FileStore(at: path, configuration)
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
        store.removeDebris(within: .milliseconds(50))
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
        try await self.change(key, loadsValue: false) { [clock = self.clock] current in
            (Self.write(value, over: current, options, clock.now), ())
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
        return try await self.change(key, loadsValue: true) { [clock = self.clock] current in
            guard current?.value == expected else { return (.nothing, .mismatch(current: current?.value)) }
            guard let replacement else { return (.remove, .swapped) }
            return (Self.write(replacement, over: current, options, clock.now), .swapped)
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
        try await self.change(key, loadsValue: true) { [clock = self.clock] current throws(StorageError) in
            let (sum, bytes) = try StoredInteger.increment(current?.value, by: amount, key: key)
            return (Self.write(bytes, over: current, options, clock.now), sum)
        }
    }

    /// Gives the item a new life time; its file is written anew.
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

    /// Returns size, time of writing, life time and custom metadata.
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
        let hidden = try await self.store.removeExpired()
        return try self.store.keys(query, without: hidden)
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

    private static func write(
        _ value: [UInt8], over current: StoredItem?, _ options: WriteOptions, _ now: Timestamp
    ) -> Change {
        let deadline = options.keepTTL && current != nil ? current?.record.deadline : options.deadline(at: now)
        return .write(value, deadline: deadline, fields: current?.record.fields, modified: now)
    }

    private func change<Result: Sendable>(
        _ key: String, loadsValue: Bool, _ decide: @escaping FileStore.Decision<Result>
    ) async throws(StorageError) -> Result {
        try self.store.checkWritable(key)
        let outcome = try await self.store.change(key, loadsValue: loadsValue, decide)
        if let deadline = outcome.deadline { self.sweeper.schedule(deadline) }
        return outcome.result
    }
}
