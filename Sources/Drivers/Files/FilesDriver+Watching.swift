public import KVStorage

extension FilesDriver {
    /// Tells of changes below the folder.
    ///
    /// Why an item is gone is known of what this process removed. Of what others did the kernel tells that the file is gone,
    /// which is the cause `unknown`; so is it for what a commit that was left by a dead process removes.
    public var events: EventHub? { self.store.events }

    /// Starts to listen to the kernel.
    public func startWatching() async throws(StorageError) {
        try self.store.gate.enter()
        defer { self.store.gate.leave() }
        try await self.store.watcher.start()
    }
}
