import KVStorage

/// When the calls of a task have to be over: by what ``RedisDriver/limited(to:)`` says, or by the driver's own limit.
enum CallLimit {
    /// When all that the call sends has to be over; set for a call's own task and its children, and for no other's work.
    @TaskLocal static var deadline: Instant?

    /// Returns when a call that begins now has to be over.
    static func deadline(_ options: Connection.Options) -> Instant {
        Self.deadline ?? RedisPlatform.now.advanced(by: options.commandTimeout)
    }
}

/// The same driver, whose calls have a time of their own.
struct TimeLimit: ForwardingDriver {
    let driver: RedisDriver
    let limit: Duration

    var base: any StorageDriver { self.driver }

    /// Runs the call, and ends what it sends when its time is over.
    func around<Value>(
        _ call: DriverCall,
        _ body: () async throws(StorageError) -> Value
    ) async throws(StorageError) -> Value {
        try await self.limited(body)
    }

    func startWatching() async throws(StorageError) {
        try await self.limited { () async throws(StorageError) in try await self.driver.startWatching() }
    }

    func limited(to limit: Duration) throws(StorageError) -> any StorageDriver {
        try self.driver.limited(to: limit)
    }

    private func limited<Value>(
        _ body: () async throws(StorageError) -> Value
    ) async throws(StorageError) -> Value {
        let deadline = RedisPlatform.now.advanced(by: self.limit)
        let result = await CallLimit.$deadline.withValue(deadline) { () async -> Result<Value, StorageError> in
            do throws(StorageError) {
                let value = try await body()
                return .success(value)
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }
}
