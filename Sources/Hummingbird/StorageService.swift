#if HummingbirdSupport
public import KVStorage
public import ServiceLifecycle

/// Disposes of a storage when the application shuts down.
///
///     var app = Application(router: router)
///     app.addServices(StorageService(storage))
///
/// Services shut down in the opposite order of their start: requests that are under way still find the storage open.
public struct StorageService: Service {
    private let storage: Storage

    /// Creates a service for a storage.
    public init(_ storage: Storage) {
        self.storage = storage
    }

    /// Waits for shutdown or cancellation, then disposes of the storage.
    public func run() async throws {
        // It is disposed of either way.
        try? await gracefulShutdown()
        try await self.storage.dispose()
    }
}
#endif
