/// One write of a batch or of a ``Commit``.
public enum Mutation: Sendable, Hashable {
    /// Stores the bytes under the key, as ``StorageDriver/setItem(_:_:_:)`` does, and changes the custom metadata with them.
    case set(key: String, value: [UInt8], options: WriteOptions, fields: FieldChange = .keep)
    /// Removes the item, as ``StorageDriver/removeItem(_:)`` does.
    case remove(key: String)
    /// Gives the item a new lifetime, as ``StorageDriver/touchItem(_:ttl:)`` does.
    case touch(key: String, ttl: TTL)

    /// The key that is written.
    public var key: String {
        switch self {
        case .set(let key, _, _, _), .remove(let key), .touch(let key, _): key
        }
    }
}

/// What a write does to an item's custom metadata.
public enum FieldChange: Sendable, Hashable {
    /// An existing item keeps what it has.
    case keep
    /// The item has these bytes, or none, from then on.
    case replace([UInt8]?)
}
