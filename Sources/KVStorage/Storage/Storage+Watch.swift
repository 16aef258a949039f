extension Storage {
    /// Returns the changes below a base as they are committed, from the return of this call on.
    ///
    /// Every kind of write is emitted: items, batches, atomic calls, metadata, ``clear(_:)``, expiry, eviction; a removal says
    /// which it was (``StorageEvent/RemovalCause``). Drivers that declare `.external` in ``Capabilities/watching`` also emit other processes' writes. Keys are this handle's. Nothing is
    /// emitted of items that a mount hides. It concerns, and waits for, the mounts at and below the base and the one that
    /// the base lies in; mounting and unmounting there emit ``StorageEvent/lagged``.
    ///
    /// The events of one key come in the order of their commits. Where a driver emits none of its own, that order is not
    /// known of writes that overlap: ``StorageEvent/lagged`` follows them. It follows a write that failed half-done too.
    ///
    /// Any number of watchers may watch. Each has a buffer of `bufferSize` events; one that does not keep up loses events
    /// and gets ``StorageEvent/lagged`` instead, and no writer ever waits for it. The stream ends with ``dispose()``; ending
    /// the iteration, or letting go of the stream, ends the watching. A stream is for one iteration.
    public func watch(
        _ base: String = "",
        bufferSize: Int = 1024
    ) async throws(StorageError) -> AsyncStream<StorageEvent> {
        let watcher = Watcher(
            base: try self.fullBase(base),
            handleBase: self.base,
            capacity: max(1, bufferSize),
            core: self.core
        )
        let mounts = try self.core.add(watcher)
        let subscription = WatchSubscription(watcher: watcher, core: self.core)
        for mount in mounts {
            // Not before: what a driver still has to emit of earlier writes is not for this watcher.
            do { try await self.limited(mount).driver.startWatching() } catch { throw self.located(error, mount) }
            watcher.follow(mount)
        }
        return AsyncStream(
            unfolding: { await subscription.watcher.next() },
            onCancel: { subscription.watcher.finish() }
        )
    }
}

/// Ends the watching when the stream that holds it is let go.
private final class WatchSubscription: Sendable {
    let watcher: Watcher
    private let core: StorageCore

    init(watcher: Watcher, core: StorageCore) {
        self.watcher = watcher
        self.core = core
    }

    deinit {
        self.core.remove(ObjectIdentifier(self.watcher))
        self.watcher.finish()
    }
}
