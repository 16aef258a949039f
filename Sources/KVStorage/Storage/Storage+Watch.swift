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
    /// and gets ``StorageEvent/lagged`` instead, and no writer ever waits for it. Each event is for one iteration: a later one
    /// goes on where the one before has stopped. The sequence ends with ``dispose()``, and where the driver can't tell of
    /// changes any more. Letting go of it and its iterators ends the watching, and so does cancelling the task that waits for
    /// the next event.
    public func watch(
        _ base: String = "",
        bufferSize: Int = 1024
    ) async throws(StorageError) -> some AsyncSequence<StorageEvent, Never> & Sendable {
        let watcher = Watcher(
            base: try self.fullBase(base),
            handleBase: self.base,
            capacity: max(1, bufferSize),
            core: self.core
        )
        let mounts = try self.core.add(watcher)
        let events = WatchSequence(watcher, self.core)
        for mount in mounts {
            // Not before: what a driver still has to emit of earlier writes is not for this watcher.
            do { try await self.limited(mount).driver.startWatching() } catch { throw self.located(error, mount) }
            watcher.follow(mount)
        }
        return events
    }
}
