/// A driver and where in a storage it is mounted.
public struct Mount: Sendable {
    /// The base, normalised and with a colon at the end; empty for the root. Counted from the storage's root, whatever
    /// prefix the handle has that was asked.
    public let base: String
    /// The driver that keeps what lies below the base.
    public let driver: any StorageDriver
    /// The lifetime of items that are written without one.
    public let ttl: TTL
}

extension Mount: CustomStringConvertible {
    /// Base and driver, as in `users: (sqlite)`.
    public var description: String { "\(self.base.isEmpty ? "the root" : self.base) (\(self.driver.name))" }
}
