/// How long to wait before the next attempt to connect: each time twice as long, within bounds, and by chance up to half
/// of it less, so that the clients of a server that comes back don't all come at once.
struct Backoff {
    private let range: ClosedRange<Duration>
    private var failures = 0

    init(_ range: ClosedRange<Duration>) {
        self.range = range
    }

    /// Counts a failure and returns how long to wait.
    mutating func next(using generator: inout some RandomNumberGenerator) -> Duration {
        let doublings = min(self.failures, 30)
        self.failures += 1
        let delay = min(self.range.lowerBound * (1 << doublings), self.range.upperBound)
        return delay * Double.random(in: 0.5...1, using: &generator)
    }

    /// Begins anew, as the connection has proved itself.
    mutating func reset() {
        self.failures = 0
    }
}
