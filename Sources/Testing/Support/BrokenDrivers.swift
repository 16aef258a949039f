import KVStorage

/// A driver without its events, as those have that tell of nothing: the storage tells of what goes through it.
struct EventlessDriver: StorageDriverWrapper {
    let wrapped: any StorageDriver

    var events: EventHub? { nil }

    var capabilities: Capabilities {
        var capabilities = self.wrapped.capabilities
        capabilities.watching = .none
        return capabilities
    }

    func startWatching() async throws(StorageError) {}
}

/// A driver whose batches end in an error after two writes.
struct HalfwayDriver: StorageDriverWrapper {
    let wrapped: any StorageDriver

    var capabilities: Capabilities {
        var capabilities = self.wrapped.capabilities
        capabilities.atomicBatch = false
        return capabilities
    }

    func apply(_ mutations: [Mutation]) async throws(StorageError) -> Int {
        let removed = try await self.wrapped.apply(Array(mutations.prefix(2)))
        if mutations.count <= 2 { return removed }
        throw StorageError(.inputOutput, "a test made this batch fail half way")
    }
}

/// A driver that can't be watched.
struct UnwatchableDriver: StorageDriverWrapper {
    let wrapped: any StorageDriver

    func startWatching() async throws(StorageError) {
        throw StorageError(.unavailable, "a test made watching fail")
    }
}
