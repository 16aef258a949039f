import KVStorage

/// A connection whose server is not the right one any more, as it was demoted or does not serve: what was handed over gets
/// its replies, nothing more is handed over, then the connection is made anew, its address looked up again.
extension ConnectionState {
    /// Ends the connection after the replies that it owes.
    ///
    /// A server that refuses on purpose would have each refused write end the connection: so the next time is at least 100 ms
    /// later, and each further time twice as long, up to two seconds.
    ///
    /// - Returns: Whether the thread has to be woken for that.
    mutating func retire(_ reason: StorageError, _ now: Instant) -> Bool {
        guard self.phase == .ready, self.retirement == nil, !self.isClosing, self.nextRetirement <= now else {
            return false
        }
        // After ten quiet seconds it is another story.
        if self.nextRetirement.advanced(by: .seconds(10)) <= now { self.retirements = 0 }
        self.retirement = reason
        self.nextRetirement = now.advanced(by: min(.milliseconds(100) * (1 << self.retirements), .seconds(2)))
        self.retirements = min(self.retirements + 1, 5)
        defer { self.isAsleep = false }
        return self.isAsleep
    }

    /// Whether the connection is to end and owes nothing any more.
    var isRetired: Bool { self.retirement != nil && self.handedOver == 0 && !self.isCallerWriting }

    /// Why a connection that is to be ended is.
    var disconnectError: StorageError { self.isRetired ? self.retirement ?? self.silenceError : self.silenceError }
}
