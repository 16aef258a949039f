/// How often, and how long, a compare-and-swap is repeated that keeps meeting others' writes.
///
/// At least ``minimumTries`` times, and until the limit has passed. Each pause is of a random length, so that processes do
/// not keep meeting each other in step.
package struct SwapRetries {
    /// How many tries a call has however little time it has.
    package static let minimumTries = 16
    /// How long a call tries at least unless it is told otherwise.
    package static let defaultLimit = Duration.seconds(5)

    private static let longestPause = Duration.milliseconds(20)

    private let limit: Duration
    private var tries = 0
    // Since the first try that failed: one that succeeds at once asks for no time.
    private var start: ContinuousClock.Instant?

    package init(limit: Duration = Self.defaultLimit) {
        self.limit = max(.zero, limit)
    }

    /// How much of the limit is left.
    package var rest: Duration {
        self.start.map { max(.zero, self.limit - $0.duration(to: .now)) } ?? self.limit
    }

    /// Notes a try that met another's write.
    ///
    /// - Throws: ``StorageError/Code/conflict`` if it was the last one.
    package mutating func count(_ key: String?) throws(StorageError) {
        self.tries += 1
        if self.start == nil { self.start = .now }
        if self.tries >= Self.minimumTries, self.rest <= .zero { throw self.conflict(key) }
    }

    /// Notes a try that met another's write, and pauses from the third on.
    ///
    /// - Returns: Whether it has paused, so that what the try found is old.
    /// - Throws: ``StorageError/Code/conflict`` if it was the last try; ``StorageError/Code/cancelled``.
    package mutating func next(_ key: String?) async throws(StorageError) -> Bool {
        try self.count(key)
        guard !Task.isCancelled else { throw self.cancelled(key) }
        guard self.tries > 2 else { return false }
        let longest = min(Self.longestPause, .microseconds(25 << min(self.tries, 16)))
        do {
            try await Task.sleep(for: .nanoseconds(Int64.random(in: 0...longest.wholeMilliseconds * 1_000_000)))
        } catch {
            throw self.cancelled(key)
        }
        return true
    }

    /// The error of a call that gave up.
    package func conflict(_ key: String?) -> StorageError {
        StorageError(
            .conflict,
            "others kept changing the item for \(self.limit), so this call's change was not made; repeat it when there are fewer",
            key: key
        )
    }

    private func cancelled(_ key: String?) -> StorageError {
        StorageError(
            .cancelled, "the task was cancelled while others kept changing the item; nothing was changed", key: key)
    }
}
