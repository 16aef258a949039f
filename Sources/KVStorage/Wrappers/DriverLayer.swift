/// What a wrapper does around every call of a driver: logging, metrics, retries, limits, faults for tests.
///
///     struct Logging: DriverLayer {
///         func around<Result>(
///             _ call: DriverCall, _ body: () async throws(StorageError) -> Result
///         ) async throws(StorageError) -> Result {
///             let start = ContinuousClock.now
///             defer { print(call.operation, start.duration(to: .now)) }
///             return try await body()
///         }
///     }
///     let storage = Storage(MemoryDriver().layered(Logging()))
///
/// One function sees every call, so none can be forgotten, and none that the contract gets later. A layer that changes
/// values is made with ``StorageDriver/transformed(overhead:encode:decode:)`` instead.
public protocol DriverLayer: Sendable {
    /// Carries out a call.
    ///
    /// `body` hands it to the driver below and may be called once, several times or not at all; each time is a call of its
    /// own. Only writes that can be repeated should be (see ``DriverCall/Operation/isWrite``). Not asked for
    /// ``StorageDriver/startWatching()``, ``StorageDriver/limited(to:)`` and ``StorageDriver/dispose()``, which go through.
    func around<Result>(
        _ call: DriverCall,
        _ body: () async throws(StorageError) -> Result
    ) async throws(StorageError) -> Result

    /// Returns what the layered driver declares; by default what the driver below does.
    func capabilities(of driver: any StorageDriver) -> Capabilities
}

extension DriverLayer {
    /// Returns the driver's own.
    public func capabilities(of driver: any StorageDriver) -> Capabilities { driver.capabilities }
}

/// A driver with a ``DriverLayer`` around it; see ``StorageDriver/layered(_:)``.
public struct LayeredDriver<Layer: DriverLayer>: StorageDriver, ForwardingDriver {
    package let base: any StorageDriver
    /// What is done around each call.
    public let layer: Layer
    /// What the layer declares.
    public let capabilities: Capabilities

    init(_ base: some StorageDriver, _ layer: Layer) {
        self.base = base
        self.layer = layer
        self.capabilities = layer.capabilities(of: base)
    }

    package func around<Result>(
        _ call: DriverCall,
        _ body: () async throws(StorageError) -> Result
    ) async throws(StorageError) -> Result {
        try await self.layer.around(call, body)
    }
}

extension StorageDriver {
    /// Returns a driver whose every call goes through the layer.
    public func layered<Layer: DriverLayer>(_ layer: Layer) -> LayeredDriver<Layer> { LayeredDriver(self, layer) }
}
