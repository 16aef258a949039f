import KVStorage
import Synchronization

/// Listings that go on with a further page; what a cursor of ``RedisDriver`` stands for.
final class RedisListings: Sendable {
    /// How far a listing has come.
    struct Listing: Sendable {
        var scan: RedisScan
        /// What was found and has not been given out.
        var found: [String] = []
        /// What has come up, as a server gives some names more than once.
        var seen: Set<Fingerprint> = []
        fileprivate var lastUse = RedisInstant(nanoseconds: 0)

        init(scan: RedisScan) {
            self.scan = scan
        }
    }

    /// A name in 16 bytes, by random keys of this process: two names have the same once in 10^26 listings of a million.
    struct Fingerprint: Hashable {
        private let low: Int
        private let high: Int

        init(_ name: [UInt8]) {
            var hasher = Hasher()
            name.withUnsafeBytes { hasher.combine(bytes: $0) }
            var other = hasher
            other.combine(UInt8(1))
            self.low = hasher.finalize()
            self.high = other.finalize()
        }
    }

    let scanCount: Int
    private let listings = Mutex<(open: [String: Listing], lastID: UInt64)>(([:], 0))

    /// How many listings may be open; the one that was not used for the longest time goes.
    private static let limit = 1024
    /// After how long without a further page a listing is taken for abandoned.
    private static let patience: Duration = .seconds(600)

    init(scanCount: Int) {
        self.scanCount = scanCount
    }

    /// Takes out the listing that goes on at the cursor.
    func take(_ cursor: String) throws(StorageError) -> Listing {
        guard let listing = self.listings.withLock({ $0.open.removeValue(forKey: cursor) }) else {
            throw StorageError(
                .invalidOption,
                "the listing does not go on at this cursor: it was used already, or not for ten minutes; start anew"
            )
        }
        return listing
    }

    /// Puts back a listing whose next page could not be read, so that it can be asked for again.
    func putBack(_ listing: Listing, _ cursor: String) {
        self.listings.withLock { $0.open[cursor] = listing }
    }

    /// Keeps a listing and returns the cursor that it goes on at.
    func put(_ listing: Listing) -> String {
        var listing = listing
        let now = RedisPlatform.now
        listing.lastUse = now
        return self.listings.withLock { [listing] state in
            if state.open.count >= Self.limit || state.lastID % 64 == 0 {
                state.open = state.open.filter { now < $0.value.lastUse.advanced(by: Self.patience) }
            }
            if state.open.count >= Self.limit, let oldest = state.open.min(by: { $0.value.lastUse < $1.value.lastUse })
            {
                state.open.removeValue(forKey: oldest.key)
            }
            state.lastID += 1
            let cursor = String(state.lastID)
            state.open[cursor] = listing
            return cursor
        }
    }
}
