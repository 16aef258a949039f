import KVStorage

/// Which replica is read next: they take turns, and one that failed is passed over for a while.
struct ReplicaRoundRobin {
    /// A read that a replica is to answer.
    struct Turn: Sendable, Hashable {
        var endpoint: Endpoint
        /// Whether it finds out if a replica that failed serves again.
        var isTrial = false
    }

    /// For how long a replica that failed is passed over.
    static let pause: Duration = .seconds(1)
    /// How often the nodes are asked which replicas there are; nothing else announces those that come.
    static let refreshInterval: Duration = .seconds(10)

    /// The replicas that have failed, and when each may be tried again.
    private var failed: [Endpoint: Instant] = [:]
    private var turn: UInt = 0
    private var refreshAt: Instant?

    /// Returns the replica whose turn it is, or `nil` if none can be read.
    ///
    /// One that has failed gets a single read when its pause is over, and is passed over by the others until that succeeded:
    /// if it hangs, one read waits and not all.
    mutating func next(of replicas: [Endpoint], _ now: Instant) -> Turn? {
        guard !replicas.isEmpty else { return nil }
        self.turn &+= 1
        let start = Int(self.turn % UInt(replicas.count))
        for endpoint in replicas[start...] + replicas[..<start] {
            guard let pauseEnd = self.failed[endpoint] else { return Turn(endpoint: endpoint) }
            guard pauseEnd <= now else { continue }
            self.failed[endpoint] = now.advanced(by: Self.pause)
            return Turn(endpoint: endpoint, isTrial: true)
        }
        return nil
    }

    /// The replica did not serve.
    mutating func fail(_ endpoint: Endpoint, _ now: Instant) {
        self.failed[endpoint] = now.advanced(by: Self.pause)
    }

    /// The replica serves again.
    mutating func succeed(_ endpoint: Endpoint) {
        self.failed[endpoint] = nil
    }

    /// Forgets replicas that are none any more.
    mutating func keep(_ isReplica: (Endpoint) -> Bool) {
        self.failed = self.failed.filter { isReplica($0.key) }
    }

    /// Returns whether it is time to ask for the replicas, once for each interval.
    mutating func isRefreshDue(_ now: Instant) -> Bool {
        defer {
            if self.refreshAt.map({ $0 <= now }) ?? true { self.refreshAt = now.advanced(by: Self.refreshInterval) }
        }
        // They were asked just before the first read.
        return self.refreshAt.map { $0 <= now } ?? false
    }
}
