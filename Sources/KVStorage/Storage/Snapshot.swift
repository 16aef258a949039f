/// The items below a base as they were when they were read: bytes, deadlines and custom metadata.
///
/// ``bytes`` is the file of a snapshot, which ``init(bytes:)`` reads; ``Storage/streamSnapshot(_:)`` makes the same file a
/// block at a time. Its format is described in <doc:SnapshotFormat>.
public struct Snapshot: Sendable, Hashable {
    /// One item of a snapshot.
    public struct Item: Sendable, Hashable {
        /// The key, relative to the snapshot's base.
        public var key: String
        /// The bytes as they were stored.
        public var value: [UInt8]
        /// From when on the item is absent; `nil` means never.
        public var deadline: Timestamp?
        /// The custom metadata as it was stored.
        public var fields: [UInt8]?

        /// Creates an item.
        public init(key: String, value: [UInt8], deadline: Timestamp? = nil, fields: [UInt8]? = nil) {
            self.key = key
            self.value = value
            self.deadline = deadline
            self.fields = fields
        }
    }

    /// The items, in no particular order.
    public var items: [Item]

    /// Creates a snapshot of the given items.
    public init(items: [Item] = []) {
        self.items = items
    }

    /// Reads the file of a snapshot.
    ///
    /// - Throws: ``StorageError/Code/incompatibleFormat`` if it is none, or of a later version;
    ///   ``StorageError/Code/corrupted`` if it is damaged or ends early.
    public init(bytes: [UInt8]) throws(StorageError) {
        var reader = SnapshotReader()
        self.items = []
        try reader.read(bytes) { items in self.items += items }
        try reader.finish()
    }

    /// The snapshot as a file.
    public var bytes: [UInt8] {
        var writer = SnapshotWriter()
        var bytes = writer.header
        var rest = self.items[...]
        while !rest.isEmpty {
            let page = rest.prefix(StorePage.itemCount)
            bytes += writer.block(of: page)
            rest = rest.dropFirst(page.count)
        }
        return bytes + writer.trailer
    }
}
