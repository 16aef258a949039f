/// The items below a base as they were when they were read: bytes, lifetimes and custom metadata.
///
/// `Codable`, so it can be kept in a file. Lifetimes are kept as what remained when the snapshot was taken.
public struct Snapshot: Sendable, Hashable, Codable {
    /// One item of a snapshot.
    public struct Item: Sendable, Hashable, Codable {
        /// The key, relative to the snapshot's base.
        public var key: String
        /// The bytes as they were stored.
        public var value: [UInt8]
        /// What remained of the lifetime; `nil` means forever.
        public var ttl: Duration?
        /// The custom metadata as it was stored.
        public var meta: [UInt8]?

        /// Creates an item.
        public init(key: String, value: [UInt8], ttl: Duration? = nil, meta: [UInt8]? = nil) {
            self.key = key
            self.value = value
            self.ttl = ttl
            self.meta = meta
        }
    }

    /// The items, in no particular order.
    public var items: [Item]

    /// Creates a snapshot of the given items.
    public init(items: [Item] = []) {
        self.items = items
    }
}
