/// One write of a batch.
public enum Mutation: Sendable, Hashable {
    /// Stores the bytes under the key, as ``StorageDriver/setItem(_:_:_:)`` does.
    case set(key: String, value: [UInt8], options: WriteOptions)
    /// Removes the item, as ``StorageDriver/removeItem(_:)`` does.
    case remove(key: String)

    /// The key that is written.
    public var key: String {
        switch self {
        case .set(let key, _, _), .remove(let key): key
        }
    }
}
