/// What a store holds and what it takes on its medium, as its engine counts it; what an engine does not know is `nil`.
public struct StoreStatistics: Sendable, Hashable {
    /// The number of items, those included whose deadline has passed but that are not removed yet.
    public var itemCount: Int
    /// The bytes that the store's files take on the medium, a log included.
    public var byteCount: Int
    /// The bytes of these that hold nothing and are used again by later writes.
    public var freeByteCount: Int?
    /// The bytes of a log that is still to be copied into the store.
    public var logByteCount: Int?
    /// How many readers have the store open for a read just now, those of other processes included.
    public var readerCount: Int?
    /// How many commits the oldest of these readers is behind; what it still sees can't be used again.
    public var oldestReaderLag: Int?

    /// Creates the statistics of a store.
    public init(
        itemCount: Int,
        byteCount: Int,
        freeByteCount: Int? = nil,
        logByteCount: Int? = nil,
        readerCount: Int? = nil,
        oldestReaderLag: Int? = nil
    ) {
        self.itemCount = itemCount
        self.byteCount = byteCount
        self.freeByteCount = freeByteCount
        self.logByteCount = logByteCount
        self.readerCount = readerCount
        self.oldestReaderLag = oldestReaderLag
    }
}
