import KVStorage
import Synchronization

/// Listings that go on with a further page; what a cursor of ``RedisDriver`` stands for.
final class Listings: Sendable {
    /// How far a listing has come.
    struct Listing: Sendable {
        var scan: Scan
        /// What was found and has not been given out.
        var found: [String] = []
        /// What has come up, as a server gives some names more than once.
        var seen: Set<Fingerprint> = []
        fileprivate var lastUse = Instant(nanoseconds: 0)
        /// In the order of their last use, also where the clock tells two of the same instant.
        fileprivate var number: UInt64 = 0

        /// How many names it remembers.
        fileprivate var count: Int { self.seen.count + self.found.count }

        init(scan: Scan) {
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
    private struct State {
        var open: [String: Listing] = [:]
        var lastID: UInt64 = 0
        /// How many names the open ones remember together.
        var names = 0
    }

    private let listings = Mutex(State())
    private let maximumNames: Int

    /// How many listings may be open; the one that was not used for the longest time goes.
    private static let limit = 1024
    /// After how long without a further page a listing is taken for abandoned.
    private static let retryBudget: Duration = .seconds(600)

    /// - Parameter maximumNames: How many names all open listings together may remember, four million by default, which are
    ///   about 100 MB; those that were not used for the longest time go. The last one may be longer.
    init(scanCount: Int, maximumNames: Int = 4_000_000) {
        self.scanCount = scanCount
        self.maximumNames = maximumNames
    }

    /// Takes out the listing that goes on at the cursor.
    func take(_ cursor: String) throws(StorageError) -> Listing {
        let listing = self.listings.withLock { state in
            let listing = state.open.removeValue(forKey: cursor)
            state.names -= listing?.count ?? 0
            return listing
        }
        guard let listing else {
            throw StorageError(
                .invalidOption,
                "the listing does not go on at this cursor: it was used already, or not for ten minutes, or too many other "
                    + "listings were begun since; start anew"
            )
        }
        return listing
    }

    /// Puts back a listing whose next page could not be read, so that it can be asked for again.
    func putBack(_ listing: Listing, _ cursor: String) {
        self.listings.withLock { state in
            state.open[cursor] = listing
            state.names += listing.count
        }
    }

    /// Keeps a listing and returns the cursor that it goes on at.
    func put(_ listing: Listing) -> String {
        var listing = listing
        let now = RedisPlatform.now
        listing.lastUse = now
        return self.listings.withLock { [listing] state in
            var listing = listing
            if state.open.count >= Self.limit || state.lastID % 64 == 0 {
                let abandoned = state.open.filter { $0.value.lastUse.advanced(by: Self.retryBudget) <= now }
                for cursor in abandoned.keys { Self.remove(cursor, from: &state) }
            }
            state.names += listing.count
            while state.open.count >= Self.limit || state.names > self.maximumNames,
                let oldest = state.open.min(by: { $0.value.number < $1.value.number })
            {
                Self.remove(oldest.key, from: &state)
            }
            state.lastID += 1
            listing.number = state.lastID
            let cursor = String(state.lastID)
            state.open[cursor] = listing
            return cursor
        }
    }

    private static func remove(_ cursor: String, from state: inout State) {
        state.names -= state.open.removeValue(forKey: cursor)?.count ?? 0
    }
}
