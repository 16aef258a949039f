import KVStorage

/// How often the nodes of a cluster are asked who serves what: seldom while nothing comes of it, as every client asks when
/// a cluster is in trouble.
struct RefreshPace {
    /// The least time between two askings: twice as long each time that nothing has changed.
    static let interval: ClosedRange<Duration> = .milliseconds(100)...(.seconds(2))

    private var interval = Self.interval.lowerBound
    private var next: Instant?

    /// Returns how long the next asking has to wait.
    mutating func pause(_ now: Instant) -> Duration {
        guard let next = self.next else { return .zero }
        // All went well for a while.
        if next.advanced(by: Self.interval.upperBound) <= now { self.interval = Self.interval.lowerBound }
        return next <= now ? .zero : .nanoseconds(next.nanoseconds - now.nanoseconds)
    }

    /// An asking is over.
    mutating func ended(_ now: Instant, hasChanged: Bool) {
        if hasChanged { self.interval = Self.interval.lowerBound }
        self.next = now.advanced(by: self.interval)
        self.interval = min(self.interval * 2, Self.interval.upperBound)
    }
}
