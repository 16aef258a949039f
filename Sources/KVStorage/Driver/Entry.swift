/// An item's bytes and what is known about them, both of one and the same write.
public struct Entry: Sendable, Hashable {
    /// The bytes as they were set.
    public var value: [UInt8]
    /// What is known about the item beside them.
    public var meta: ItemMeta

    /// Creates an entry.
    public init(value: [UInt8], meta: ItemMeta) {
        self.value = value
        self.meta = meta
    }
}
