/// A request for one page of keys.
public struct KeyQuery: Sendable, Hashable {
    /// Which keys: those that start with it. Empty for all, else whole segments with a colon at the end (`"users:"`).
    public var base: String
    /// The largest number of colons in a key, counted from the driver's root; `nil` for any.
    public var maxDepth: Int?
    /// How many keys to answer with at most; at least one.
    public var limit: Int
    /// Where the previous page ended, as its ``KeyPage/cursor`` said; `nil` for the first page.
    public var cursor: String?

    /// Creates a request for the first page, or for the one after `cursor`.
    public init(base: String = "", maxDepth: Int? = nil, limit: Int = 1000, cursor: String? = nil) {
        self.base = base
        self.maxDepth = maxDepth
        self.limit = limit
        self.cursor = cursor
    }

    /// Returns whether the key lies below the base and is no deeper than asked.
    public func matches(_ key: String) -> Bool {
        key.utf8.count > self.base.utf8.count && keyHasPrefix(key, self.base)
            && (self.maxDepth.map { keyDepth(key) <= $0 } ?? true)
    }

    /// Returns the subtree that an ordered engine can skip having met `key`: the ancestor at ``maxDepth`` with its colon,
    /// or `nil` if the key is not too deep.
    package func subtreeToSkip(at key: String) -> String? {
        guard let maxDepth = self.maxDepth else { return nil }
        var colons = 0
        for (offset, byte) in key.utf8.enumerated() where byte == UInt8(ascii: ":") {
            colons += 1
            if colons > max(maxDepth, 0) {
                return String(key.utf8.prefix(offset + 1))
            }
        }
        return nil
    }
}

/// One page of keys.
public struct KeyPage: Sendable, Hashable {
    /// The keys, each at most once over all pages of a listing, none that has expired.
    ///
    /// A page may hold fewer keys than the limit, even none, and yet have a ``cursor``.
    public var keys: [String]
    /// What to ask for next; `nil` at the end. Its content is the driver's own affair, but it is another one for each page of
    /// a listing: one that comes again ends the listing with an error, as it would go round forever.
    public var cursor: String?

    /// Creates a page.
    public init(keys: [String], cursor: String? = nil) {
        self.keys = keys
        self.cursor = cursor
    }
}
