/// How a driver is to write an item.
public struct WriteOptions: Sendable, Hashable {
    /// How long the item lives from now on; `nil` means forever.
    ///
    /// Always positive: ``Storage`` refuses anything else before a driver is asked.
    public var ttl: Duration?

    /// Whether an existing item keeps its deadline; then ``ttl`` only counts for an item that this write creates.
    public var keepTTL: Bool

    /// Creates options; an item written without a lifetime lives forever.
    public init(ttl: Duration? = nil, keepTTL: Bool = false) {
        self.ttl = ttl
        self.keepTTL = keepTTL
    }

    /// Returns the point in time from which an item written at `now` is absent, or `nil` if it lives forever.
    public func deadline(at now: Timestamp) -> Timestamp? {
        self.ttl.map { now.advanced(by: $0) }
    }
}
