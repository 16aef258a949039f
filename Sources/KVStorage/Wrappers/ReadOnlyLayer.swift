/// Refuses every write, with ``StorageError/Code/readOnly``; reads go through.
public struct ReadOnlyLayer: DriverLayer {
    /// Creates the layer.
    public init() {}

    /// Refuses writes, also an empty batch; a commit that only checks is none.
    public func around<Result>(
        _ call: DriverCall,
        _ body: () async throws(StorageError) -> Result
    ) async throws(StorageError) -> Result {
        guard call.operation.isWrite else { return try await body() }
        throw StorageError(
            .readOnly, "the mount is read-only; write through another mount of the store", key: call.itemKey)
    }

    /// The driver's, and read-only.
    public func capabilities(of driver: any StorageDriver) -> Capabilities {
        var capabilities = driver.capabilities
        capabilities.features.insert(.readOnly)
        return capabilities
    }
}

extension StorageDriver where Self == LayeredDriver<ReadOnlyLayer> {
    /// A driver that reads from another and refuses every write.
    public static func readOnly(_ driver: some StorageDriver) -> LayeredDriver<ReadOnlyLayer> {
        driver.layered(ReadOnlyLayer())
    }
}
