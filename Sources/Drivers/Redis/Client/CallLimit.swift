public import KVStorage

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
struct TimeLimit: StorageDriver {
    let driver: RedisDriver
    let limit: Duration

    var name: String { self.driver.name }
    var capabilities: Capabilities { self.driver.capabilities }
    var events: EventHub? { self.driver.events }

    /// Runs the call, and ends what it sends when its time is over.
    private func run<Value: Sendable>(
        _ call: @Sendable () async throws(StorageError) -> Value
    ) async throws(StorageError) -> Value {
        let deadline = RedisPlatform.now.advanced(by: self.limit)
        let result = await CallLimit.$deadline.withValue(deadline) { () async -> Result<Value, StorageError> in
            do throws(StorageError) {
                let value = try await call()
                return .success(value)
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    func limited(to limit: Duration) throws(StorageError) -> any StorageDriver {
        try self.driver.limited(to: limit)
    }

    func startWatching() async throws(StorageError) {
        try await self.run { () throws(StorageError) in try await self.driver.startWatching() }
    }

    func dispose() async throws(StorageError) {
        try await self.driver.dispose()
    }

    // MARK: - Reading

    func getItem(_ key: String) async throws(StorageError) -> [UInt8]? {
        try await self.run { () throws(StorageError) in try await self.driver.getItem(key) }
    }

    func hasItem(_ key: String) async throws(StorageError) -> Bool {
        try await self.run { () throws(StorageError) in try await self.driver.hasItem(key) }
    }

    func getItems(_ keys: [String]) async throws(StorageError) -> [[UInt8]?] {
        try await self.run { () throws(StorageError) in try await self.driver.getItems(keys) }
    }

    func getMeta(_ key: String) async throws(StorageError) -> ItemMeta? {
        try await self.run { () throws(StorageError) in try await self.driver.getMeta(key) }
    }

    func getKeys(_ query: KeyQuery) async throws(StorageError) -> KeyPage {
        try await self.run { () throws(StorageError) in try await self.driver.getKeys(query) }
    }

    // MARK: - Writing

    func setItem(_ key: String, _ value: [UInt8], _ options: WriteOptions) async throws(StorageError) {
        try await self.run { () throws(StorageError) in try await self.driver.setItem(key, value, options) }
    }

    func removeItem(_ key: String) async throws(StorageError) -> Bool {
        try await self.run { () throws(StorageError) in try await self.driver.removeItem(key) }
    }

    func compareAndSwapItem(
        _ key: String,
        expected: [UInt8]?,
        replacement: [UInt8]?,
        _ options: WriteOptions
    ) async throws(StorageError) -> CompareAndSwapResult {
        try await self.run { () throws(StorageError) in
            try await self.driver.compareAndSwapItem(key, expected: expected, replacement: replacement, options)
        }
    }

    func touchItem(_ key: String, ttl: Duration?) async throws(StorageError) -> Bool {
        try await self.run { () throws(StorageError) in try await self.driver.touchItem(key, ttl: ttl) }
    }

    func apply(_ mutations: [Mutation]) async throws(StorageError) -> Int {
        try await self.run { () throws(StorageError) in try await self.driver.apply(mutations) }
    }

    func takeItem(_ key: String) async throws(StorageError) -> [UInt8]? {
        try await self.run { () throws(StorageError) in try await self.driver.takeItem(key) }
    }

    func incrementItem(
        _ key: String,
        by amount: Int,
        _ options: WriteOptions
    ) async throws(StorageError) -> Int {
        try await self.run { () throws(StorageError) in
            try await self.driver.incrementItem(key, by: amount, options)
        }
    }

    func setMeta(_ key: String, _ fields: [UInt8]?) async throws(StorageError) -> Bool {
        try await self.run { () throws(StorageError) in try await self.driver.setMeta(key, fields) }
    }

    func clear(_ base: String) async throws(StorageError) -> Int {
        try await self.run { () throws(StorageError) in try await self.driver.clear(base) }
    }
}

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
