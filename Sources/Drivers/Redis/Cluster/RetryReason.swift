import KVStorage

/// A call on one slot of a cluster: how long and how often it may still be sent, from node to node.
struct ClusterCall {
    private(set) var slot: Int
    let isRepeatable: Bool
    var retryBudget: RetryBudget
    /// How often the connection broke while the command was being sent or answered.
    private var breaks = 0

    init(_ slot: Int, isRepeatable: Bool, _ retryBudget: RetryBudget) {
        self.slot = slot
        self.isRepeatable = isRepeatable
        self.retryBudget = retryBudget
    }

    /// Returns a call for another slot that has as long.
    func forSlot(_ slot: Int) -> ClusterCall {
        var call = self
        call.slot = slot
        return call
    }

    /// Whether the command may be what breaks the connections, so that it is sent by itself.
    var isSuspect: Bool { self.breaks > 0 }

    /// Counts that the connection broke, and throws if that was too often.
    mutating func countBreak(_ reason: StorageError) throws(StorageError) {
        self.breaks += 1
        guard self.breaks > ConnectionState<Waiter>.repetitions else { return }
        let effect = self.isRepeatable ? "" : "; nothing was changed"
        throw StorageError(
            self.isRepeatable ? .connectionLost : .unavailable,
            "the connections broke \(self.breaks) times while the command was sent or answered\(effect): "
                + reason.message, underlying: reason.underlying)
    }
}

/// What came of sending a command once.
enum Attempt {
    case answered(Reply)
    /// Nothing was done, so that another attempt may be made.
    case failed(RetryReason)
}

/// Why a command has to be sent again.
enum RetryReason {
    case redirected(Redirection, RedisServerError)
    /// Its node is away, or nothing may be sent to it. A suspect may have broken the connection.
    case unsent(StorageError, Endpoint, isSuspect: Bool)
    /// No node has its slot.
    case unserved

    /// Returns `nil` if the reply is one for the caller.
    init?(_ reply: Reply, from endpoint: Endpoint) {
        guard case .error(let error) = reply, let redirection = Redirection(error, from: endpoint) else {
            return nil
        }
        self = .redirected(redirection, error)
    }

    /// The node that takes the command if it is told that it was sent there.
    var asks: Endpoint? {
        guard case .redirected(.ask(let endpoint), _) = self else { return nil }
        return endpoint
    }

    /// What to tell the caller if it can't be overcome.
    func error(slot: Int) -> StorageError {
        switch self {
        case .redirected(_, let error):
            StorageError(.unavailable, "the cluster can't serve now; try again later: \(error)", underlying: error)
        case .unsent(let error, _, _):
            error
        case .unserved:
            StorageError(.unavailable, "no node of the cluster serves the item's slot (\(slot)) now")
        }
    }
}
