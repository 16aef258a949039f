public import KVStorage

extension FilesDriver {
    /// Tells of changes below the folder.
    public var events: EventHub? { self.store.events }

    /// Starts to listen to the kernel.
    public func startWatching() async throws(StorageError) {
        try self.store.gate.enter()
        defer { self.store.gate.leave() }
        try await self.store.watcher.start()
    }
}
