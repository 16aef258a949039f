import Synchronization

/// What all handles of one storage share: the mounts and the watchers.
final class StorageCore: Sendable {
    private struct State {
        var table: MountTable
        var watchers: [ObjectIdentifier: WatcherReference] = [:]
        var isClosed = false
    }

    private struct WatcherReference {
        weak var watcher: Watcher?
    }

    private let state: Mutex<State>
    private let root: MountPoint
    // Set under the lock. Most storages never mount anything: their calls look at this and take no lock.
    private let hasOnlyRoot = Atomic(true)

    init(root: any StorageDriver) {
        let root = MountPoint(base: "", driver: root, ttl: nil)
        self.root = root
        self.state = Mutex(State(table: MountTable(root: root)))
    }

    /// The mounts as they are now; never waits for a mount in progress.
    var table: MountTable { self.state.withLock { $0.table } }

    /// Returns the mount that keeps the item of that key, or `nil` if the key is a mount point.
    @inline(__always)
    func mount(for key: String) -> MountPoint? {
        if self.hasOnlyRoot.load(ordering: .acquiring) { return self.root }
        return self.state.withLock { $0.table.mount(forItem: key) }
    }

    func mount(_ mount: MountPoint) throws(StorageError) {
        let watchers = try self.state.withLock { state throws(StorageError) in
            guard !state.isClosed else { throw Self.closed }
            guard state.table.mount(at: mount.base) == nil else {
                throw StorageError(
                    .alreadyMounted,
                    "a driver is mounted at \"\(mount.base)\" already; unmount it first, or mount at another base",
                    key: mount.base
                )
            }
            state.table.insert(mount)
            self.hasOnlyRoot.store(false, ordering: .releasing)
            return state.watchers.values.compactMap(\.watcher)
        }
        guard !watchers.isEmpty else { return }
        for watcher in watchers { watcher.follow(mount) }
        guard mount.driver.capabilities.watching == .external else { return }
        // Until it watches, changes by others go unseen; whether it does in the end or not, the watchers are told of the gap.
        Task {
            try? await mount.driver.startWatching()
            mount.events.emit(.lagged)
        }
    }

    /// Takes the mount out of the table; the root stays.
    func unmount(_ base: String) -> MountPoint? {
        let (mount, watchers) = self.state.withLock { state in
            guard !base.isEmpty, let mount = state.table.mount(at: base) else {
                return (nil as MountPoint?, [Watcher]())
            }
            state.table.remove(mount)
            self.hasOnlyRoot.store(state.table.mounts.count == 1, ordering: .releasing)
            return (mount, state.watchers.values.compactMap(\.watcher))
        }
        if let mount {
            for watcher in watchers { watcher.unfollow(mount) }
        }
        return mount
    }

    /// Registers the watcher and returns the mounts that it is to follow.
    func add(_ watcher: Watcher) throws(StorageError) -> [MountPoint] {
        try self.state.withLock { state throws(StorageError) in
            guard !state.isClosed else { throw Self.closed }
            state.watchers[ObjectIdentifier(watcher)] = WatcherReference(watcher: watcher)
            return state.table.mounts
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
            return state.table
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

    private static var closed: StorageError {
        StorageError(.closed, "the storage was disposed; create a new one")
    }
}
