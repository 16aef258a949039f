#if !os(Linux) && !os(Android)
import KVStorage
import Synchronization

/// Sees nothing: only the driver's own changes are told here, by the calls that make them.
final class FolderWatcher: Sendable {
    static let watching = Capabilities.Watching.local
    let isActive = false
    let renewBase = Mutex<(@Sendable () -> Bool)?>(nil)

    init(base: Int32, instance: String, mapping: PathMapping, ignored: IgnorePatterns, events: EventHub) {}

    func start() async throws(StorageError) {}
    func stop() {}
    func adopt(_ path: String, isExpanded: Bool) {}
    func adoptIfUnknown(_ path: String) {}
    func forget(_ path: String) {}
    func baseWasReplaced() {}
}
#endif
