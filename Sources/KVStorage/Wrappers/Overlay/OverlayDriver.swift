/// Layers of drivers, of which only the first is ever written to.
///
///     try storage.mount("settings", .overlay(.sqlite(at: "changes.db"), .files(at: "defaults")))
///
/// A read is answered by the first layer that has the item. A removed item is absent even if a lower layer has it: a
/// tombstone in the first layer, under a key of its own that no item can have, hides it. So does a written item that
/// expires: what lies below does not come back.
///
/// A write that must hide something below is one commit of the first layer, item and tombstone together, and is
/// repeated if another came between: it is done wholly or not at all, and atomic calls hold between tasks, and between
/// processes where the first layer's do. What no lower layer has, or has been hidden, is written as the first layer
/// does it. The lower layers are taken to stand still, and the first to belong to the overlay alone.
///
/// An item that is touched, or given custom metadata, while it lies in a lower layer is copied to the first: with its
/// deadline and metadata, but `mtime` is then that of the copy. The tombstone of an item with a deadline goes by
/// itself, an hour later.
///
/// Cost: reading an item of the first layer is one call of it, of a lower one a call for each layer down to it and one
/// for the tombstone; `hasItem` reads no values. A batch is one batch for each layer. A write asks each lower layer
/// whether it has the item. Listing takes a page of each layer and one batch for the tombstones where all layers list
/// in order; else one layer comes after the other, and each page takes one batch for the tombstones, and a few of each
/// lower layer for the keys that the first one has too, whose values are read for that.
///
/// Each key that is there all the time is listed once, with one exception where not all layers list in order: one that
/// is in the first layer and in a lower one may come twice if its lower item expires while the listing lasts.
public final class OverlayDriver: StorageDriver {
    /// `overlay`.
    public let name = "overlay"
    /// The first layer's, but in order only if all layers list so; keys are shorter by the nine bytes that a tombstone's
    /// is longer. Reads may be old if those of any layer may.
    public let capabilities: Capabilities
    /// The first layer's events, and the removals of what only a lower layer had.
    public var events: EventHub? { self.top.events == nil ? nil : self.hidings.hub }

    let top: any StorageDriver
    let lower: [any StorageDriver]
    let hidings: OverlayEvents
    /// The layers, the one that is written to first.
    var layers: [any StorageDriver] { [self.top] + self.lower }

    /// Creates an overlay of the given layers, the writable one first.
    ///
    /// - Throws: ``StorageError/Code/invalidOption`` if there is none; if there are lower layers, also if the first
    ///   one can't commit several keys as one, evicts, discards or is read-only: what was removed or overwritten would
    ///   come back.
    public init(_ layers: [any StorageDriver]) throws(StorageError) {
        guard let top = layers.first else {
            throw StorageError(.invalidOption, "an overlay needs at least one layer, the one that is written to")
        }
        self.top = top
        self.lower = Array(layers.dropFirst())
        var capabilities = top.capabilities
        if !self.lower.isEmpty {
            try Self.check(top)
            if !self.lower.allSatisfy({ $0.capabilities.contains(.orderedKeys) }) {
                capabilities.features.remove(.orderedKeys)
            }
            capabilities.maximumKeyBytes = capabilities.maximumKeyBytes.map { max(0, $0 - Tombstone.overhead) }
            if self.lower.contains(where: { $0.capabilities.contains(.readsMayBeOld) }) {
                capabilities.features.insert(.readsMayBeOld)
            }
        }
        self.capabilities = capabilities
        self.hidings = OverlayEvents(top.events)
    }

    private static func check(_ top: any StorageDriver) throws(StorageError) {
        let capabilities = top.capabilities
        let fault: String
        if capabilities.contains(.evicts) {
            fault = "evicts, so what it hides would come back; use one without a limit"
        } else if capabilities.contains(.discards) {
            fault = "keeps nothing, so nothing would be hidden; use one that keeps what is written"
        } else if capabilities.contains(.readOnly) {
            fault = "is read-only; use one that can be written to, or mount it without an overlay"
        } else if !capabilities.contains(.atomicCommit) {
            fault = "can't write an item and what hides it below as one; use one that declares atomicCommit"
        } else {
            return
        }
        throw StorageError(.invalidOption, "the overlay's first layer, \(top.name), \(fault)")
    }

    /// Makes the first layer emit its changes.
    public func startWatching() async throws(StorageError) {
        try await self.top.startWatching()
    }

    /// Disposes of all layers.
    ///
    /// - Throws: The first error of a layer; the others are disposed of all the same.
    public func dispose() async throws(StorageError) {
        var failure: StorageError?
        for layer in self.layers {
            do { try await layer.dispose() } catch { failure = failure ?? error }
        }
        if let failure { throw failure }
    }
}

extension StorageDriver where Self == OverlayDriver {
    /// Layers of drivers of which only the first is written to; see ``OverlayDriver``.
    public static func overlay(_ layers: [any StorageDriver]) throws(StorageError) -> OverlayDriver {
        try OverlayDriver(layers)
    }

    /// Layers of drivers of which only the first is written to, as in `.overlay(.memory, .readOnly(.memory))`.
    public static func overlay<each Layer: StorageDriver>(
        _ top: some StorageDriver,
        _ lower: repeat each Layer
    ) throws(StorageError) -> OverlayDriver {
        var layers: [any StorageDriver] = [top]
        repeat layers.append(each lower)
        return try OverlayDriver(layers)
    }
}
