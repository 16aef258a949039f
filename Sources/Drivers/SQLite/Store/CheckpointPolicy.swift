/// Decides after each commit whether the log is to be copied into the database.
///
/// Copying may have to make the database larger. A log that has taken the last of the disk can never be copied back, nor
/// begin anew, so it is copied while at least as much is free as it holds.
struct CheckpointPolicy {
    // How many pages the log grows by before the disk is asked again, and the shortest log that is worth copying.
    private static let step = 64

    private let pages: Int
    private let pageBytes: Int
    private let freeBytes: () -> Int64?
    private var lookedAt = 0
    private var limit: Int

    /// Creates the policy for logs of at most `pages` pages; `freeBytes` returns what the disk has left, if that is known.
    init(pages: Int, pageBytes: Int, freeBytes: @escaping () -> Int64?) {
        self.pages = pages
        self.pageBytes = max(pageBytes, 1)
        self.freeBytes = freeBytes
        self.limit = pages
    }

    /// Returns whether a log that now has so many pages is to be copied.
    mutating func isDue(logPages: Int) -> Bool {
        // The log has begun anew.
        if logPages < self.lookedAt {
            self.lookedAt = 0
            self.limit = self.pages
        }
        if logPages - self.lookedAt >= Self.step {
            self.lookedAt = logPages
            let free = self.freeBytes().map { Int(clamping: $0 / Int64(self.pageBytes)) }
            self.limit = free.map { min(self.pages, max($0, Self.step)) } ?? self.pages
        }
        return logPages >= self.limit
    }
}
