import KVStorage

/// A driver whose events nobody sees, as those of another process, and that may declare something else.
struct MaskedDriver: ForwardingDriver {
    let base: any StorageDriver
    var features: Capabilities.Feature?
    var maximumKeyBytes: Int?

    var events: EventHub? { nil }

    var capabilities: Capabilities {
        var capabilities = self.base.capabilities
        capabilities.watching = .none
        if let features = self.features { capabilities.features = features }
        capabilities.maximumKeyBytes = self.maximumKeyBytes
        return capabilities
    }

    /// Refuses keys that are longer than declared.
    func around<Result>(
        _ call: DriverCall,
        _ body: () async throws(StorageError) -> Result
    ) async throws(StorageError) -> Result {
        if let long = call.keys.first(where: { $0.utf8.count > self.maximumKeyBytes ?? .max }) {
            throw StorageError(.invalidKey, "the key is longer than a test allows", key: long)
        }
        return try await body()
    }
}

/// Waits until something holds that others bring about.
func waitUntil(_ condition: @Sendable () async -> Bool) async throws {
    for _ in 0..<60_000 {
        if await condition() { return }
        try await Task.sleep(for: .milliseconds(1))
    }
}
