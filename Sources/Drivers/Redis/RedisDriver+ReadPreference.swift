extension RedisDriver {
    /// Which nodes of a cluster answer reads.
    public enum ReadPreference: Sendable, Hashable {
        /// The masters: a read is never older than an acknowledged write.
        case master
        /// The replicas of an item's master, in turn, where it has any; they take reads off the master.
        ///
        /// Redis replicates after it has acknowledged. A read may thus be older than the last acknowledged write, also than the
        /// caller's own, and two reads one after the other may go back in time, as they may go to different replicas. How old
        /// has no limit: a replica that is cut off from its master answers with what it has, unless the server's
        /// `replica-serve-stale-data` is `no`. While a slot moves to another master, the old one's replicas may not have
        /// items of it that are there.
        ///
        /// - `getItem`, `hasItem`, `getItems`, `getEntries` and `getMeta` go to replicas. Writes, all atomic calls with what they read,
        ///   listing, clearing and watching stay with the masters.
        /// - A replica hides an item whose lifetime is over by its own clock, though only the master removes it: where the
        ///   clocks differ, the item ends that much sooner or later there.
        /// - A replica that is away, still loads its data, or refuses as it is cut off is passed over for a second, and the
        ///   master answers. One that does not answer at all holds a read up for a third of
        ///   ``Configuration/commandTimeout``. One that denies access throws `StorageError.Code.permissionDenied`.
        /// - A replica that comes or comes back is found by reads within ten seconds.
        ///
        /// Wrappers that decide by what they have read, as a cache or an overlay do, decide by what may be old.
        case replica
    }
}
