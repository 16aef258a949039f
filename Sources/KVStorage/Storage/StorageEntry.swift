/// An item's value and what is known about the item, both of one and the same write.
public struct StorageEntry<Value> {
    /// The value.
    public let value: Value
    /// What is known about the item beside it.
    public let meta: ItemMeta
    /// The bytes that the value was made of.
    public let bytes: [UInt8]

    init(value: Value, meta: ItemMeta, bytes: [UInt8]) {
        self.value = value
        self.meta = meta
        self.bytes = bytes
    }

    /// What tells this value from another, for ``Storage/setItem(_:_:ifMatch:ttl:)``; computed when it is asked for.
    public var etag: ETag { ETag(of: self.bytes) }
}

extension StorageEntry: Sendable where Value: Sendable {}
extension StorageEntry: Equatable where Value: Equatable {}
