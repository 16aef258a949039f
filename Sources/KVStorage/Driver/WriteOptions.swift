/// How a driver is to write an item.
public struct WriteOptions: Sendable, Hashable {
    /// How long the item lives; never ``TTL/default``, and always positive: ``Storage`` refuses anything else before a driver
    /// is asked.
    public var ttl: TTL

    /// Creates options; an item written without a lifetime lives forever.
    public init(ttl: TTL = .forever) {
        self.ttl = ttl
    }

    /// Whether an existing item keeps its deadline.
    public var keepsDeadline: Bool { self.ttl.keepsDeadline }

    /// Returns the point in time from which an item written at `now` is absent, or `nil` if it lives forever.
    public func deadline(at now: Timestamp) -> Timestamp? { self.ttl.deadline(at: now) }
}
