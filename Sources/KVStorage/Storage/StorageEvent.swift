/// What ``Storage/watch(_:bufferSize:)`` tells of a change, after it was committed.
public enum StorageEvent: Sendable, Hashable {
    /// The item's value, lifetime or metadata was written.
    case update(String)
    /// The item is gone, and why.
    case remove(String, RemovalCause)
    /// Events were lost between the previous one and the next, as the watcher was too slow or the source was out of
    /// reach; whoever mirrors the items has to read them again.
    case lagged

    /// Why an item is gone, as far as whoever tells it knows: a cause is never guessed.
    ///
    /// Memory, SQLite and LMDB know the cause of each removal, and so does ``Storage`` for drivers that tell nothing
    /// themselves. Files know it of what this process removes, not of what others do. Redis tells it as the server does. Each
    /// driver's documentation says more.
    public enum RemovalCause: Sendable, Hashable {
        /// A call removed it: ``Storage/removeItem(_:)``, a take, a swap, an update to `nil`, a batch, a commit, ``Storage/clear(_:)``;
        /// also one that gave it a lifetime which had ended by then, where the engine keeps no such item.
        case removed
        /// Its deadline came, and what was left of it was removed.
        case expired
        /// The store made room for other items.
        case evicted
        /// Somebody removed it, in another process or with another program, and there is no telling why.
        case unknown
    }

    /// The key that changed, or `nil` for ``lagged``.
    public var key: String? {
        switch self {
        case .update(let key), .remove(let key, _): key
        case .lagged: nil
        }
    }

    /// Returns the same event with another key.
    package func mapKey(_ transform: (String) -> String?) -> StorageEvent? {
        switch self {
        case .update(let key): transform(key).map(StorageEvent.update)
        case .remove(let key, let cause): transform(key).map { .remove($0, cause) }
        case .lagged: .lagged
        }
    }
}
