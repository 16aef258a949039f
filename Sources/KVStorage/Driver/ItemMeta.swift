/// What is known about an item beside its value.
public struct ItemMeta: Sendable, Hashable {
    /// When the value was last written.
    public var mtime: Timestamp?
    /// When the value was last read, where the engine keeps it.
    public var atime: Timestamp?
    /// When the item was created, where the engine keeps it.
    public var birthtime: Timestamp?
    /// What remains of the lifetime; `nil` means forever.
    public var ttl: Duration?
    /// The size of the value in bytes.
    public var size: Int?
    /// The custom fields as they were encoded by ``Storage/setMeta(_:_:)``; `nil` if there are none.
    ///
    /// ``Storage/getMeta(_:)`` hands them out decoded through ``fields(as:)``.
    public var fieldBytes: [UInt8]?
    /// What decodes ``fieldBytes``; set by ``Storage``.
    var codec: any StorageCodec = .json

    /// Creates metadata from what the engine knows.
    public init(
        mtime: Timestamp? = nil,
        atime: Timestamp? = nil,
        birthtime: Timestamp? = nil,
        ttl: Duration? = nil,
        size: Int? = nil,
        fieldBytes: [UInt8]? = nil
    ) {
        self.mtime = mtime
        self.atime = atime
        self.birthtime = birthtime
        self.ttl = ttl
        self.size = size
        self.fieldBytes = fieldBytes
    }

    /// Returns the custom fields, or `nil` if there are none.
    ///
    /// - Throws: ``StorageError/Code/decoding`` if they are not of that type.
    public func fields<Fields: Decodable>(as type: Fields.Type = Fields.self) throws(StorageError) -> Fields? {
        guard let fieldBytes = self.fieldBytes else { return nil }
        return try ValueCoding(self.codec).decode(type, from: fieldBytes, key: nil)
    }

    /// Compares everything but the codec.
    public static func == (left: ItemMeta, right: ItemMeta) -> Bool {
        left.mtime == right.mtime && left.atime == right.atime && left.birthtime == right.birthtime
            && left.ttl == right.ttl && left.size == right.size && left.fieldBytes == right.fieldBytes
    }

    /// Hashes everything but the codec.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(self.mtime)
        hasher.combine(self.atime)
        hasher.combine(self.birthtime)
        hasher.combine(self.ttl)
        hasher.combine(self.size)
        hasher.combine(self.fieldBytes)
    }
}
