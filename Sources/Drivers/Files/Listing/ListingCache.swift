import KVStorage
import Synchronization

/// Keeps what a page has read for the page after it.
///
/// Holds the last few listings only; one that is not found goes on from its cursor all the same, at the cost of reading
/// the folders on its way anew.
final class ListingCache: Sendable {
    private static let capacity = 4

    private struct Listing {
        let query: KeyQuery
        let frames: [FolderListing]
    }

    private let listings = Mutex<[Listing]>([])

    /// Takes out what the page before this one has left.
    func take(_ query: KeyQuery) -> [FolderListing]? {
        guard query.cursor != nil else { return nil }
        let listing = self.listings.withLock { listings in
            listings.firstIndex { Self.isSame($0.query, query) }.map { listings.remove(at: $0) }
        }
        return listing.map { listing in
            listing.frames.map { frame in
                var frame = frame
                frame.age()
                return frame
            }
        }
    }

    /// Keeps what the page has left for the one that is asked for with the cursor.
    func put(_ query: KeyQuery, _ cursor: String, _ frames: [FolderListing]) {
        var next = query
        next.cursor = cursor
        let listing = Listing(query: next, frames: frames)
        self.listings.withLock { listings in
            if listings.count == Self.capacity { listings.removeFirst() }
            listings.append(listing)
        }
    }

    // By bytes: strings compare by canonical equivalence.
    private static func isSame(_ left: KeyQuery, _ right: KeyQuery) -> Bool {
        left.maxDepth == right.maxDepth && keysEqual(left.base, right.base)
            && keysEqual(left.cursor ?? "", right.cursor ?? "")
    }
}
