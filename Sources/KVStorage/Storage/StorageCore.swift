import Synchronization

/// What all handles of one storage share: the mounts and the watchers.
final class StorageCore: Sendable {
    private struct State {
        var watchers: [ObjectIdentifier: WatcherReference] = [:]
        var isClosed = false
    }

    private struct WatcherReference {
        weak var watcher: Watcher?
    }

    /// What a call has to look at before it knows its mount.
    private enum Shape: UInt8, AtomicRepresentable {
        case onlyRoot, mounts, closed
    }

    // Whoever changes the table holds this, then the table's lock: those that only look never wait for more than a retain.
    private let state = Mutex(State())
    private let current: Mutex<MountTable>
    private let root: MountPoint
    // Most storages never mount anything: their calls look at this and take no lock.
    private let shape = Atomic(Shape.onlyRoot)
    /// Where atomic calls that meet each other take turns.
    let queues = SwapQueues()
    /// How long such a call tries at least.
    let busyTimeout: Duration

    init(root: any StorageDriver, busyTimeout: Duration) {
        let root = MountPoint(base: "", driver: root, ttl: .forever)
        self.root = root
        self.current = Mutex(MountTable(root: root))
        self.busyTimeout = busyTimeout
    }

    /// The mounts as they are now; never waits for a mount in progress.
    var table: MountTable { self.current.withLock { $0 } }

    /// Whether nothing but the root was mounted.
    var hasOnlyRoot: Bool { self.shape.load(ordering: .acquiring) == .onlyRoot }

    /// The root, if nothing but it was mounted and it was not disposed of.
    var onlyMount: MountPoint? { self.hasOnlyRoot ? self.root : nil }

    /// Returns the mount that keeps the item of that key, or `nil` if the key is a mount point.
    ///
    /// - Throws: ``StorageError/Code/closed`` after ``dispose()``.
    @inline(__always)
    func mount(for key: String) throws(StorageError) -> MountPoint? {
        switch self.shape.load(ordering: .acquiring) {
        case .onlyRoot: return self.root
        case .mounts: return self.table.mount(forItem: key)
        case .closed: throw Self.closed
        }
    }

    /// Throws ``StorageError/Code/closed`` after ``dispose()``.
    func checkOpen() throws(StorageError) {
        if self.shape.load(ordering: .acquiring) == .closed { throw Self.closed }
    }

    func mount(_ mount: MountPoint) throws(StorageError) {
        let watchers = try self.state.withLock { state throws(StorageError) in
            guard !state.isClosed else { throw Self.closed }
            let isNew = self.change { table in
                guard table.mount(at: mount.base) == nil else { return false }
                table.insert(mount)
                return true
            }
            guard isNew else {
                throw StorageError(
                    .alreadyMounted,
                    "a driver is mounted at \"\(mount.base)\" already; unmount it first, or mount at another base"
                )
            }
            self.shape.store(.mounts, ordering: .releasing)
            return state.watchers.values.compactMap(\.watcher)
        }
        let table = self.table
        for watcher in watchers { watcher.follow(mount, whereItConcerns: table) }
    }

    /// Takes the mount out of the table; the root stays.
    func unmount(_ base: String) throws(StorageError) -> MountPoint? {
        let (mount, watchers) = try self.state.withLock {
            state throws(StorageError) -> (MountPoint?, [Watcher]) in
            guard !state.isClosed else { throw Self.closed }
            guard !base.isEmpty, let mount = self.table.mount(at: base) else { return (nil, []) }
            let isOnlyRoot = self.change { table in
                table.remove(mount)
                return table.count == 1
            }
            self.shape.store(isOnlyRoot ? .onlyRoot : .mounts, ordering: .releasing)
            return (mount, state.watchers.values.compactMap(\.watcher))
        }
        if let mount {
            let table = self.table
            for watcher in watchers { watcher.unfollow(mount, whereItConcerned: table) }
        }
        return mount
    }

    /// Registers the watcher, so that it follows what is mounted from now on, and returns the mounts that it has to follow.
    func add(_ watcher: Watcher) throws(StorageError) -> [MountPoint] {
        try self.state.withLock { state throws(StorageError) in
            guard !state.isClosed else { throw Self.closed }
            state.watchers[ObjectIdentifier(watcher)] = WatcherReference(watcher: watcher)
            return self.table.mounts(concerning: watcher.base)
        }
    }

    func remove(_ id: ObjectIdentifier) {
        self.state.withLock { _ = $0.watchers.removeValue(forKey: id) }
    }

    /// Disposes of every driver, whatever fails on the way, then ends the watching.
    ///
    /// - Throws: The first error of a driver.
    func dispose() async throws(StorageError) {
        let table = self.state.withLock { state in
            state.isClosed = true
            self.shape.store(.closed, ordering: .releasing)
            return self.table
        }
        var failure: StorageError?
        for mount in table.mounts {
            do {
                try await mount.driver.dispose()
            } catch {
                failure = failure ?? error
            }
        }
        let watchers = self.state.withLock { state in
            defer { state.watchers = [:] }
            return state.watchers.values.compactMap(\.watcher)
        }
        for watcher in watchers { watcher.finish() }
        if let failure { throw failure }
    }

    /// Changes the table in place, or a copy of it if somebody holds it.
    private func change(_ body: (MountTable) -> Bool) -> Bool {
        self.current.withLock { table in
            if !isKnownUniquelyReferenced(&table) { table = MountTable(copying: table) }
            return body(table)
        }
    }

    private static var closed: StorageError {
        StorageError(.closed, "the storage was disposed; create a new one")
    }
}
