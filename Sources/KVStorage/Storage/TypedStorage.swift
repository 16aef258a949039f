/// A view of a storage whose items are all of one type.
///
///     let users = storage.prefixed("users", of: User.self)
///     try await users.setItem("ada", User(name: "Ada"))
///     let ada = try await users.getItem("ada")
///
/// Promises and errors are those of ``Storage``.
public struct TypedStorage<Value: Codable & Sendable>: Sendable {
    /// The same items without the type, foreverything that asks for none.
    public let storage: Storage

    init(_ storage: Storage) {
        self.storage = storage
    }

    /// Returns a view of what lies below a base.
    public func prefixed(_ base: String) -> TypedStorage<Value> {
        TypedStorage(self.storage.prefixed(base))
    }

    /// Returns a view whose every call ends after at most `limit`; see ``Storage/timeLimit(_:)``.
    public func timeLimit(_ limit: Duration) -> TypedStorage<Value> {
        TypedStorage(self.storage.timeLimit(limit))
    }

    /// Returns whether the item is there.
    public func hasItem(_ key: String) async throws(StorageError) -> Bool {
        try await self.storage.hasItem(key)
    }

    /// Returns the item's value, or `nil` if it is absent.
    public func getItem(_ key: String) async throws(StorageError) -> Value? {
        try await self.storage.getItem(key)
    }

    /// Stores the value; `nil` removes the item.
    public func setItem(_ key: String, _ value: Value?, ttl: Duration? = nil) async throws(StorageError) {
        try await self.storage.setItem(key, value, ttl: ttl)
    }

    /// Stores the value if the key has none, and returns whether it did.
    public func setItem(
        _ key: String,
        _ value: Value,
        ttl: Duration? = nil,
        ifAbsent: Bool
    ) async throws(StorageError) -> Bool {
        try await self.storage.setItem(key, value, ttl: ttl, ifAbsent: ifAbsent)
    }

    /// Removes the item and returns whether it was there.
    @discardableResult
    public func removeItem(_ key: String) async throws(StorageError) -> Bool {
        try await self.storage.removeItem(key)
    }

    /// Returns the values in the order asked, `nil` where there is none.
    public func getItems(_ keys: [String]) async throws(StorageError) -> [Value?] {
        try await self.storage.getItems(keys)
    }

    /// Stores the values; all or nothing for those of one mount where its driver can.
    public func setItems(_ items: [(String, Value)], ttl: Duration? = nil) async throws(StorageError) {
        try await self.storage.setItems(items, ttl: ttl)
    }

    /// Removes the items and returns how many were there.
    @discardableResult
    public func removeItems(_ keys: [String]) async throws(StorageError) -> Int {
        try await self.storage.removeItems(keys)
    }

    /// Reads the item, lets the body change it, and writes it back, as one step; an absent item starts as `default`.
    public func updateItem<Result, Failure: Error>(
        _ key: String,
        default defaultValue: @autoclosure () -> Value,
        ttl: Duration? = nil,
        keepTTL: Bool = false,
        _ body: (inout Value) throws(Failure) -> Result
    ) async throws -> Result {
        try await self.storage.updateItem(key, default: defaultValue(), ttl: ttl, keepTTL: keepTTL, body)
    }

    /// Reads the item, lets the body change, create or remove it, and writes that back, as one step.
    public func updateItem<Result, Failure: Error>(
        _ key: String,
        ttl: Duration? = nil,
        keepTTL: Bool = false,
        _ body: (inout Value?) throws(Failure) -> Result
    ) async throws -> Result {
        try await self.storage.updateItem(key, as: Value.self, ttl: ttl, keepTTL: keepTTL, body)
    }

    /// Returns the item's value and removes the item, as one step.
    public func takeItem(_ key: String) async throws(StorageError) -> Value? {
        try await self.storage.takeItem(key)
    }

    /// Gives the item a new lifetime from now on and returns whether it was there.
    @discardableResult
    public func touchItem(_ key: String, ttl: Duration?) async throws(StorageError) -> Bool {
        try await self.storage.touchItem(key, ttl: ttl)
    }

    /// Returns the keys below a base.
    public func getKeys(_ base: String = "", maxDepth: Int? = nil) async throws(StorageError) -> [String] {
        try await self.storage.getKeys(base, maxDepth: maxDepth)
    }

    /// Returns the items below a base, a page at a time.
    public func items(in base: String = "", pageSize: Int = 1000) -> ItemSequence<Value> {
        self.storage.items(in: base, pageSize: pageSize)
    }

    /// Removes what lies below a base and returns how many items that were.
    @discardableResult
    public func clear(_ base: String = "") async throws(StorageError) -> Int {
        try await self.storage.clear(base)
    }

    /// Returns the changes below a base as they are committed.
    public func watch(
        _ base: String = "",
        bufferSize: Int = 1024
    ) async throws(StorageError) -> AsyncStream<StorageEvent> {
        try await self.storage.watch(base, bufferSize: bufferSize)
    }
}
