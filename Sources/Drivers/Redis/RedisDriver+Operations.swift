public import KVStorage

extension RedisDriver {
    /// Returns a driver over the same connections whose calls end after `limit`, be it shorter or longer than
    /// ``Configuration/commandTimeout``.
    ///
    /// The limit is for a whole call, however many commands it sends. What was not sent by then throws
    /// `StorageError.Code.unavailable` and has changed nothing, what was sent `StorageError.Code.timeout`; the connection goes
    /// on, as other calls have a limit of their own. A server that is silent for ``Configuration/commandTimeout`` is taken for
    /// dead whatever the limit is.
    ///
    /// Disposing of one disposes of both.
    /// - Throws: `StorageError.Code.invalidOption` unless `limit` is positive.
    public func limited(to limit: Duration) throws(StorageError) -> any StorageDriver {
        try Configuration.require(limit > .zero, "a call's time limit must be positive")
        return TimeLimit(driver: self, limit: limit)
    }
}
