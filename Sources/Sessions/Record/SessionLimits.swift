import KVStorage

/// How long a session lives, in milliseconds; all positive.
struct SessionLimits: Sendable, Hashable {
    /// From its creation or last authentication, whatever happens.
    var absolute: Int64
    /// From the last activity that was written down, if that is limited.
    var idle: Int64?

    /// Returns the smaller of each limit, so that tightening a configuration holds for old sessions at once.
    func stricter(_ other: SessionLimits) -> SessionLimits {
        let idle: Int64? =
            switch (self.idle, other.idle) {
            case (let left?, let right?): min(left, right)
            case (let left, let right): left ?? right
            }
        return SessionLimits(absolute: min(self.absolute, other.absolute), idle: idle)
    }

    /// R11: returns how long storage keeps a record, rounded up to whole seconds: storage may forget a session late, never early.
    static func storageLife(from now: Timestamp, to deadline: Timestamp) -> TTL {
        .seconds(max(self.wholeSeconds(from: now, to: deadline), 1))
    }

    /// Returns the time between two moments in whole seconds, rounded up.
    static func wholeSeconds(from now: Timestamp, to deadline: Timestamp) -> Int64 {
        let milliseconds = now.duration(to: deadline).wholeMilliseconds
        return milliseconds / 1000 + (milliseconds % 1000 > 0 ? 1 : 0)
    }
}
