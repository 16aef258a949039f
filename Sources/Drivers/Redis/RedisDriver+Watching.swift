public import KVStorage

extension RedisDriver {
    /// Subscribes to the server's notifications.
    ///
    /// - Throws: `StorageError.Code.notSupported` if the server has them off; see ``Configuration/watching``.
    public func startWatching() async throws(StorageError) {
        try await self.watcher?.start()
    }
}
