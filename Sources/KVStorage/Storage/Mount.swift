/// A driver and where in a storage it is mounted.
public struct Mount: Sendable {
    /// The base, normalised and with a colon at the end; empty for the root. Counted from the storage's root, whatever
    /// prefix the handle has that was asked.
    public let base: String
    /// The driver that keeps what lies below the base.
    public let driver: any StorageDriver
    /// The life time of items that are written without one; `nil` means for ever.
    public let ttl: Duration?
}

/// A mounted driver as the mount table keeps it: one reference, so that looking it up costs one retain.
final class MountPoint: Sendable {
    let base: String
    let baseCount: Int
    let driver: any StorageDriver
    let ttl: Duration?
    /// Where the mount's events are told: the driver's own hub, or one that ``Storage`` tells of its writes.
    let events: EventHub
    /// Whether ``Storage`` has to tell of the writes that go through it.
    let synthesizesEvents: Bool

    init(base: String, driver: any StorageDriver, ttl: Duration?) {
        self.base = base
        self.baseCount = base.utf8.count
        self.driver = driver
        self.ttl = ttl
        let ownHub = driver.events
        self.events = ownHub ?? EventHub()
        self.synthesizesEvents = ownHub == nil
    }

    var mount: Mount { Mount(base: self.base, driver: self.driver, ttl: self.ttl) }

    /// Returns the options of a write, with the mount's life time where the caller gave none.
    func options(ttl: Duration?, keepTTL: Bool = false) -> WriteOptions {
        WriteOptions(ttl: ttl ?? self.ttl, keepTTL: keepTTL)
    }

    /// Tells of a write if the driver does not do so itself.
    func emit(_ event: @autoclosure () -> StorageEvent) {
        if self.synthesizesEvents, self.events.isObserved { self.events.emit(event()) }
    }
}
