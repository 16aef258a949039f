/// What is known about an item beside its value.
public struct ItemMeta: Sendable, Hashable {
    /// When the value was last written.
    public var mtime: Timestamp?
    /// When the value was last read, where the engine keeps it.
    public var atime: Timestamp?
    /// When the item was created, where the engine keeps it.
    public var birthtime: Timestamp?
    /// From when on the item is absent, by the driver's clock; `nil` means never.
    public var deadline: Timestamp?
    /// The size of the value in bytes.
    public var size: Int?
    /// The custom fields as they were encoded by ``Storage/setMeta(_:_:)``; `nil` if there are none.
    ///
    /// ``Storage/getMeta(_:)`` hands them out decoded through ``fields(as:)``.
    public var fieldBytes: [UInt8]?
    /// What decodes ``fieldBytes``; set by ``Storage``.
    var codec: any StorageCodec = .json
    /// When this was read, by the driver's clock.
    private var readTime: Timestamp

    /// What remained of the lifetime when this was read; `nil` means forever.
    ///
    /// Whoever writes the item elsewhere passes on the ``deadline`` instead, so that no time is added on the way.
    public var ttl: Duration? { self.deadline.map { self.readTime.duration(to: $0) } }

    /// Creates metadata from what the engine knows; `now` is the driver's time of the reading, which ``ttl`` counts from.
    public init(
        mtime: Timestamp? = nil,
        atime: Timestamp? = nil,
        birthtime: Timestamp? = nil,
        deadline: Timestamp? = nil,
        asOf now: Timestamp = SystemClock().now,
        size: Int? = nil,
        fieldBytes: [UInt8]? = nil
    ) {
        self.mtime = mtime
        self.atime = atime
        self.birthtime = birthtime
        self.deadline = deadline
        self.readTime = now
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

    /// Compares everything but the codec and the time of the reading.
    public static func == (left: ItemMeta, right: ItemMeta) -> Bool {
        left.mtime == right.mtime && left.atime == right.atime && left.birthtime == right.birthtime
            && left.deadline == right.deadline && left.size == right.size && left.fieldBytes == right.fieldBytes
    }

    /// Hashes everything but the codec and the time of the reading.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(self.mtime)
        hasher.combine(self.atime)
        hasher.combine(self.birthtime)
        hasher.combine(self.deadline)
        hasher.combine(self.size)
        hasher.combine(self.fieldBytes)
    }
}
