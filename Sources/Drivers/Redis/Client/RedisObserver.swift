public import KVStorage

/// Is told what happens on a driver's connections, for logs and metrics: see ``RedisDriver/Configuration/observer``.
///
/// Each requirement has a default that does nothing; later versions may add to them. They are called on the connections' own
/// threads and on those of the calling tasks, at the same time, and have to return soon: what waits on that connection waits
/// for them. Servers are named as `host:port` or by their path; nothing that is passed holds a secret or a value.
public protocol RedisObserver: Sendable {
    /// A connection is about to be made: the first attempt since there was one, or a later.
    func connecting(to server: String, attempt: Int)
    /// A connection was made, logged in and all; so long after the attempt began.
    func connected(to server: String, after duration: Duration)
    /// An attempt to connect has failed; another follows if calls wait.
    func failedToConnect(to server: String, attempt: Int, _ error: StorageError)
    /// A connection that was made is gone, for that reason.
    func disconnected(from server: String, _ error: StorageError)
    /// A command, or several that were sent as one, has ended.
    func finished(_ command: RedisCommandReport)
    /// A cluster's slots, or what the sentinels watch over, have these masters now.
    func topologyChanged(masters: [String])
}

extension RedisObserver {
    /// Does nothing.
    public func connecting(to server: String, attempt: Int) {}
    /// Does nothing.
    public func connected(to server: String, after duration: Duration) {}
    /// Does nothing.
    public func failedToConnect(to server: String, attempt: Int, _ error: StorageError) {}
    /// Does nothing.
    public func disconnected(from server: String, _ error: StorageError) {}
    /// Does nothing.
    public func finished(_ command: RedisCommandReport) {}
    /// Does nothing.
    public func topologyChanged(masters: [String]) {}
}

/// How a command went, or several that were sent as one; what a ``RedisObserver`` is told.
public struct RedisCommandReport: Sendable {
    /// Where it was sent; with sentinels what they call it.
    public var server: String
    /// Whether it only reads, or does no harm if it is repeated.
    public var isRepeatable: Bool
    /// From the call to its end, waiting for the connection included.
    public var duration: Duration
    /// Why there is no answer; `nil` if there is one, which may be a refusal.
    public var failure: StorageError.Code?
    /// How many commands waited on the connection when it ended, sent or not.
    public var queued: Int
}
