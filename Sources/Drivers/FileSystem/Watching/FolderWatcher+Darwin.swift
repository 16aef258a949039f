#if !os(Linux) && !os(Android)
import KVStorage

/// Tells of this driver's own changes; other processes' are not seen here.
final class FolderWatcher: Sendable {
    static let watching = Capabilities.Watching.local
    private let events: EventHub

    init(base: Int32, instance: String, mapping: PathMapping, ignored: IgnorePatterns, events: EventHub) {
        self.events = events
    }

    func start() async throws(StorageError) {}
    func stop() {}
    func adopt(_ path: String, isExpanded: Bool) {}
    func adoptIfUnknown(_ path: String) {}
    func forget(_ path: String) {}

    /// Tells of a change that this driver has made.
    func tell(_ event: @autoclosure () -> StorageEvent) {
        if self.events.isObserved { self.events.emit(event()) }
    }
}
#endif
