/// An item with its metadata whose value is decoded when it is asked for; see ``Storage/entries(in:as:pageSize:)``.
public struct ListedEntry<Value: Decodable & Sendable>: Sendable {
    /// The key, as the handle that was asked names it.
    public let key: String
    /// What is known about the item beside its value.
    public let meta: ItemMeta
    /// The bytes as they are stored.
    public let bytes: [UInt8]
    private let values: ValueCoding

    init(key: String, entry: Entry, values: ValueCoding) {
        self.key = key
        self.meta = entry.meta
        self.bytes = entry.value
        self.values = values
    }

    /// Returns the value.
    ///
    /// - Throws: ``StorageError/Code/decoding`` if the bytes are not of that type.
    public func value() throws(StorageError) -> Value {
        try self.values.decode(Value.self, from: self.bytes, key: self.key)
    }

    /// What tells this value from another; computed when it is asked for.
    public var etag: ETag { ETag(of: self.bytes) }
}
