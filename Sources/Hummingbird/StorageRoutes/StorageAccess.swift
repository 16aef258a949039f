#if HummingbirdSupport
/// What a request asks of a storage: what the `authorize` closure of ``StorageRoutes`` decides on.
public struct StorageAccess: Sendable, Hashable {
    /// Whether a request looks or changes.
    public enum Kind: Sendable, Hashable {
        /// Reading an item, asking for it, listing keys.
        case read
        /// Writing or removing an item, clearing.
        case write
    }

    /// Whether the request looks or changes.
    public let kind: Kind
    /// The normal key, as `users:ada`; of a base with the colon at its end, as `users:`, and empty for the whole storage.
    ///
    /// It is relative to the routes' storage, and exactly what the storage is then asked for.
    public let key: String
    /// Whether the request is about all that is below the key: a listing, or clearing.
    public let isBase: Bool
}
#endif
