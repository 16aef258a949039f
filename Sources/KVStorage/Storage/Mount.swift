/// A driver and where in a storage it is mounted.
public struct Mount: Sendable {
    /// The base, normalised and with a colon at the end; empty for the root. Counted from the storage's root, whatever
    /// prefix the handle has that was asked.
    public let base: String
    /// The driver that keeps what lies below the base.
    public let driver: any StorageDriver
    /// The lifetime of items that are written without one; `nil` means forever.
    public let ttl: Duration?
}

/// A mounted driver as the mount table keeps it: one reference, so that looking it up costs one retain.
final class MountPoint: Sendable {
    let base: String
    let baseCount: Int
    let driver: any StorageDriver
    let ttl: Duration?
    /// Where the mount's events are emitted: the driver's own hub, or one for the writes that go through ``Storage``.
    let events: EventHub
    /// What emits the events of writes; `nil` if the driver does so itself.
    let writes: WriteEvents?
    /// The mount that this one is a view of, if its driver is one with a time limit.
    private let original: MountPoint?

    init(base: String, driver: any StorageDriver, ttl: Duration?) {
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
    func options(ttl: Duration?, keepTTL: Bool = false) -> WriteOptions {
        WriteOptions(ttl: ttl ?? self.ttl, keepTTL: keepTTL)
    }

    /// Returns the part of a base that the driver sees: nothing if the mount lies below the base.
    func relative(_ base: String) -> String {
        keyDroppingPrefix(base, min(self.baseCount, base.utf8.count))
    }
}

extension MountPoint {
    /// Says that a write begins, for a driver that emits no events itself; each is followed by one ``endWrite(_:_:)`` or
    /// ``endWrite(_:failed:)``.
    @inline(__always)
    func beginWrite(_ key: String) -> WriteEvents.Ticket {
        guard let writes = self.writes else { return .none }
        return writes.begin(CollectionOfOne(key))
    }

    /// The same for a write of several keys.
    func beginWrite(_ keys: some Sequence<String>) -> WriteEvents.Ticket {
        guard let writes = self.writes else { return .none }
        return writes.begin(keys)
    }

    /// Says what a write changed, if anything.
    @inline(__always)
    func endWrite(_ ticket: WriteEvents.Ticket, _ event: @autoclosure () -> StorageEvent?) {
        guard let writes = self.writes else { return }
        writes.end(ticket, event)
    }

    /// Says what a write of several keys changed.
    func endWrite(_ ticket: WriteEvents.Ticket, all changes: [StorageEvent]) {
        self.writes?.finish(ticket, changes)
    }

    /// Says that a write failed, and so may have changed something.
    @inline(__always)
    func endWrite(_ ticket: WriteEvents.Ticket, failed error: StorageError) {
        guard let writes = self.writes else { return }
        writes.end(ticket) { error.mayHaveChangedSomething ? .lagged : nil }
    }
}
