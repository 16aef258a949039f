/// A mounted driver as the mount table keeps it: one reference, so that looking it up costs one retain.
final class MountPoint: Sendable {
    let base: String
    let baseCount: Int
    let driver: any StorageDriver
    let ttl: TTL
    /// Where the mount's events are emitted: the driver's own hub, or one for the writes that go through ``Storage``.
    let events: EventHub
    /// What emits the events of writes; `nil` if the driver does so itself.
    let writes: WriteEvents?
    /// The mount that this one is a view of, if its driver is one with a time limit.
    private let original: MountPoint?

    init(base: String, driver: any StorageDriver, ttl: TTL) {
        self.base = base
        self.baseCount = base.utf8.count
        self.driver = driver
        self.ttl = ttl
        let ownHub = driver.events
        let events = ownHub ?? EventHub()
        self.events = events
        self.writes = ownHub == nil ? WriteEvents(events) : nil
        self.original = nil
    }

    /// Creates a view of a mount whose calls go to another driver over the same store.
    init(_ original: MountPoint, driver: any StorageDriver) {
        self.base = original.base
        self.baseCount = original.baseCount
        self.driver = driver
        self.ttl = original.ttl
        self.events = original.events
        self.writes = original.writes
        self.original = original
    }

    /// What the mount and its views have in common.
    var id: ObjectIdentifier { ObjectIdentifier(self.original ?? self) }

    var mount: Mount { Mount(base: self.base, driver: self.driver, ttl: self.ttl) }

    /// Returns the options of a write, with the mount's lifetime where the caller gave none.
    @inline(__always)
    func options(_ ttl: TTL) -> WriteOptions { WriteOptions(ttl: ttl.resolved(self.ttl)) }

    /// Returns the part of a base that the driver sees: nothing if the mount lies below the base.
    func relative(_ base: String) -> String {
        keyDroppingPrefix(base, min(self.baseCount, base.utf8.count))
    }
}
