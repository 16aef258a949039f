import KVStorage

/// How long a call that met with a failure is tried again, and how often.
struct RetryBudget {
    let until: Instant
    private var backoff: Backoff
    private var generator = SystemRandomNumberGenerator()
    private var immediate = 0

    /// - Parameter until: When the time is over, by default after as long as a call may take.
    init(_ options: Connection.Options, until: Instant? = nil) {
        self.until = until ?? CallLimit.deadline(options)
        let bounds = options.reconnectDelay
        // Another node can be asked sooner than one that is away.
        self.backoff = Backoff(
            min(bounds.lowerBound, .milliseconds(10))...min(bounds.upperBound, .milliseconds(200)))
    }

    /// Whether another attempt may be made at once: a few may, as long as each brings the call nearer to its node.
    mutating func allowsImmediateAttempt() -> Bool {
        self.immediate += 1
        return self.immediate <= 5
    }

    /// Waits for the next attempt.
    ///
    /// - Throws: The error given once the time is over, `StorageError.Code.cancelled` if the task is cancelled.
    mutating func wait(_ error: StorageError) async throws(StorageError) {
        let delay = self.backoff.next(using: &self.generator)
        guard RedisPlatform.now.advanced(by: delay) < self.until else { throw error }
        do {
            try await Task.sleep(for: delay)
        } catch {
            throw ConnectionState<Waiter>.cancelledError
        }
    }
}
