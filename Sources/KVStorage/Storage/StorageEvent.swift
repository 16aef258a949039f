/// What ``Storage/watch(_:bufferSize:)`` tells of a change, after it was committed.
public enum StorageEvent: Sendable, Hashable {
    /// The item's value, lifetime or metadata was written.
    case update(String)
    /// The item is gone: removed, cleared, expired or evicted.
    case remove(String)
    /// Events were lost between the previous one and the next, as the watcher was too slow or the source was out of
    /// reach; whoever mirrors the items has to read them again.
    case lagged

    /// The key that changed, or `nil` for ``lagged``.
    public var key: String? {
        switch self {
        case .update(let key), .remove(let key): key
        case .lagged: nil
        }
    }

    /// Returns the same event with another key.
    package func mapKey(_ transform: (String) -> String?) -> StorageEvent? {
        switch self {
        case .update(let key): transform(key).map(StorageEvent.update)
        case .remove(let key): transform(key).map(StorageEvent.remove)
        case .lagged: .lagged
        }
    }
}
