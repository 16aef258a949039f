import KVStorage

/// A driver without its events, as those have that tell of nothing: the storage tells of what goes through it.
struct EventlessDriver: ForwardingDriver {
    let base: any StorageDriver

    var events: EventHub? { nil }

    var capabilities: Capabilities {
        var capabilities = self.base.capabilities
        capabilities.watching = .none
        return capabilities
    }

    func startWatching() async throws(StorageError) {}
}

/// A driver whose batches end in an error after two writes.
struct HalfwayDriver: ForwardingDriver {
    let base: any StorageDriver

    var capabilities: Capabilities {
        var capabilities = self.base.capabilities
        capabilities.features.remove(.atomicCommit)
        return capabilities
    }

    func apply(_ mutations: [Mutation]) async throws(StorageError) -> [Bool] {
        let removed = try await self.base.apply(Array(mutations.prefix(2)))
        if mutations.count <= 2 { return removed }
        throw StorageError(.inputOutput, "a test made this batch fail half way")
    }
}

/// A driver that can't be watched.
struct UnwatchableDriver: ForwardingDriver {
    let base: any StorageDriver

    func startWatching() async throws(StorageError) {
        throw StorageError(.unavailable, "a test made watching fail")
    }
}
