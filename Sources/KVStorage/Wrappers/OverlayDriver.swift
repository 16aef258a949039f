/// Layers of drivers, of which only the first is ever written to.
///
/// A read is answered by the first layer that has the item. A removed item is absent even if a lower layer has it: a
/// tombstone in the first layer, under a key of its own that no item can have, hides it. So does a written item that
/// expires: what lies below does not come back.
///
/// Atomic calls hold between the callers of this driver, not between processes. The lower layers are taken to stand still.
public final class OverlayDriver: StorageDriver {
    /// `overlay`.
    public let name = "overlay"
    /// The first layer's, without atomic batches, order, and atomicity between processes.
    public let capabilities: Capabilities
    /// The first layer's events, and the removals of what only a lower layer had.
    public var events: EventHub? { self.top.events == nil ? nil : self.hub }

    /// The lock of all keys with one remainder of their hash.
    private final class Stripe: Sendable {
        let lock = AsyncLock()
    }

    private let top: any StorageDriver
    private let lower: [any StorageDriver]
    /// The layers, the one that is written to first.
    var layers: [any StorageDriver] { [self.top] + self.lower }
    private let hub = EventHub()
    private let observer: Int?
    private let stripes = (0..<64).map { _ in Stripe() }

    /// Creates an overlay of the given layers, the writable one first.
    ///
    /// - Throws: ``StorageError/Code/invalidOption`` if there is none.
    public init(_ layers: [any StorageDriver]) throws(StorageError) {
        guard let top = layers.first else {
            throw StorageError(.invalidOption, "an overlay needs at least one layer, the one that is written to")
        }
        self.top = top
        self.lower = Array(layers.dropFirst())
        var capabilities = top.capabilities
        capabilities.atomicBatch = false
        capabilities.interprocess = false
        capabilities.orderedKeys = false
        self.capabilities = capabilities
        let hub = self.hub
        self.observer = top.events?.addObserver { event in
            if let key = event.key, Self.isTombstone(key) { return }
            hub.emit(event)
        } onEnd: {
            hub.finish()
        }
    }

    deinit {
        if let observer = self.observer { self.top.events?.removeObserver(observer) }
    }

    /// Returns the bytes of the first layer that has the item.
    public func getItem(_ key: String) async throws(StorageError) -> [UInt8]? {
        try await self.find(key) { layer throws(StorageError) in try await layer.getItem(key) }
    }

    /// Returns what the first layer that has the item knows about it.
    public func getMeta(_ key: String) async throws(StorageError) -> ItemMeta? {
        try await self.find(key) { layer throws(StorageError) in try await layer.getMeta(key) }
    }

    /// Stores the bytes in the first layer.
    public func setItem(_ key: String, _ value: [UInt8], _ options: WriteOptions) async throws(StorageError) {
        try await self.stripe(of: key).lock.withLock { () async throws(StorageError) in
            try await self.write(key, value, options)
        }
    }

    /// Removes the item from the first layer and hides it in the others.
    public func removeItem(_ key: String) async throws(StorageError) -> Bool {
        try await self.stripe(of: key).lock.withLock { () async throws(StorageError) in try await self.remove(key) }
    }

    /// Replaces the item if its bytes are as expected, whichever layer has it.
    public func compareAndSwapItem(
        _ key: String,
        expected: [UInt8]?,
        replacement: [UInt8]?,
        _ options: WriteOptions
    ) async throws(StorageError) -> CompareAndSwapResult {
        try await self.stripe(of: key).lock.withLock { () async throws(StorageError) -> CompareAndSwapResult in
            let current = try await self.getItem(key)
            guard current == expected else { return .mismatch(current: current) }
            if let replacement {
                try await self.write(key, replacement, options)
            } else if expected != nil {
                _ = try await self.remove(key)
            }
            return .swapped
        }
    }

    /// Gives the item a new lifetime, in the first layer.
    public func touchItem(_ key: String, ttl: Duration?) async throws(StorageError) -> Bool {
        try await self.stripe(of: key).lock.withLock { () async throws(StorageError) in
            guard try await self.copyUp(key) else { return false }
            return try await self.top.touchItem(key, ttl: ttl)
        }
    }

    /// Keeps custom metadata, in the first layer.
    public func setMeta(_ key: String, _ fields: [UInt8]?) async throws(StorageError) -> Bool {
        try await self.stripe(of: key).lock.withLock { () async throws(StorageError) in
            guard try await self.copyUp(key) else { return false }
            return try await self.top.setMeta(key, fields)
        }
    }

    /// Returns one page of the keys of all layers, those of the lowest first.
    ///
    /// From the bottom up, as items move up and never down: one that is written meanwhile is not passed over.
    public func getKeys(_ query: KeyQuery) async throws(StorageError) -> KeyPage {
        let (layerIndex, cursor) = OverlayCursor.parse(query.cursor, layerCount: self.lower.count + 1)
        var inner = query
        inner.cursor = cursor
        let layer = layerIndex == 0 ? self.top : self.lower[layerIndex - 1]
        let page = try await layer.getKeys(inner)
        var keys: [String] = []
        for key in page.keys where !Self.isTombstone(key) {
            var isListed = false
            for below in self.lower.dropFirst(layerIndex) where try await below.hasItem(key) { isListed = true }
            if isListed { continue }
            if layerIndex > 0, try await !self.hasItem(key) { continue }
            keys.append(key)
        }
        if let next = page.cursor { return KeyPage(keys: keys, cursor: OverlayCursor.make(layerIndex, next)) }
        return KeyPage(keys: keys, cursor: layerIndex == 0 ? nil : OverlayCursor.make(layerIndex - 1, nil))
    }

    /// Makes the first layer tell of its changes.
    public func startWatching() async throws(StorageError) {
        try await self.top.startWatching()
    }

    /// Disposes of all layers.
    ///
    /// - Throws: The first error of a layer; the others are disposed of all the same.
    public func dispose() async throws(StorageError) {
        var failure: StorageError?
        for layer in [self.top] + self.lower {
            do { try await layer.dispose() } catch { failure = failure ?? error }
        }
        if let failure { throw failure }
    }
}

extension OverlayDriver {
    // Ends in `$`, as no item's key does, and is not what a driver may use for the item's metadata.
    private static let tombstoneSuffix = ":removed$"

    private static func tombstone(_ key: String) -> String { key + Self.tombstoneSuffix }

    private static func isTombstone(_ key: String) -> Bool { key.utf8.last == UInt8(ascii: "$") }

    private func stripe(of key: String) -> Stripe {
        self.stripes[Int(truncatingIfNeeded: keyHash(key) & 63)]
    }

    private func find<Found>(
        _ key: String,
        _ read: (any StorageDriver) async throws(StorageError) -> Found?
    ) async throws(StorageError) -> Found? {
        if let found = try await read(self.top) { return found }
        for layer in self.lower {
            guard let found = try await read(layer) else { continue }
            if try await !self.top.hasItem(Self.tombstone(key)) { return found }
            // Written and hidden between the two looks, or hidden all along.
            return try await read(self.top)
        }
        return nil
    }

    private func isBelow(_ key: String) async throws(StorageError) -> Bool {
        for layer in self.lower where try await layer.hasItem(key) { return true }
        return false
    }

    private func write(_ key: String, _ value: [UInt8], _ options: WriteOptions) async throws(StorageError) {
        // An item of a lower layer comes up first if something of it is to be kept.
        if options.keepTTL || self.capabilities.customMetadata { _ = try await self.copyUp(key) }
        try await self.top.setItem(key, value, options)
        try await self.hideBelow(key)
    }

    private func remove(_ key: String) async throws(StorageError) -> Bool {
        guard try await self.hasItem(key) else { return false }
        try await self.hideBelow(key)
        if try await !self.top.removeItem(key) { self.hub.emit(.remove(key)) }
        return true
    }

    private func hideBelow(_ key: String) async throws(StorageError) {
        guard try await self.isBelow(key), try await !self.top.hasItem(Self.tombstone(key)) else { return }
        try await self.top.setItem(Self.tombstone(key), [], WriteOptions())
    }

    /// Copies a lower layer's item to the first one, with its lifetime and metadata; returns whether it is there now.
    private func copyUp(_ key: String) async throws(StorageError) -> Bool {
        if try await self.top.hasItem(key) { return true }
        guard let value = try await self.getItem(key), let meta = try await self.getMeta(key) else { return false }
        try await self.top.setItem(key, value, WriteOptions(ttl: meta.ttl))
        if let fields = meta.fieldBytes { _ = try await self.top.setMeta(key, fields) }
        try await self.hideBelow(key)
        return true
    }
}

/// Where a listing of an overlay stands: the layer's number, a colon, and the layer's own cursor after a `+`.
private enum OverlayCursor {
    static func make(_ layer: Int, _ cursor: String?) -> String {
        "\(layer):" + (cursor.map { "+\($0)" } ?? "")
    }

    /// Returns layer and cursor; no cursor stands for the beginning, which is the lowest layer.
    static func parse(_ cursor: String?, layerCount: Int) -> (layer: Int, cursor: String?) {
        guard let cursor, let colon = cursor.utf8.firstIndex(of: UInt8(ascii: ":")),
            let layer = Int(cursor[..<colon]), (0..<layerCount).contains(layer)
        else { return (layerCount - 1, nil) }
        // By bytes: what the key begins with may be one character with the sign in front of it.
        let rest = cursor.utf8[colon...].dropFirst()
        return (layer, rest.isEmpty ? nil : String(decoding: rest.dropFirst(), as: UTF8.self))
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
