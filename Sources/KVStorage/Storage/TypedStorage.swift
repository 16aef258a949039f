/// A view of a storage whose items are all of one type.
///
///     let users = storage.prefixed("users", of: User.self)
///     try await users.setItem("ada", User(name: "Ada"))
///     let ada = try await users.getItem("ada")
///
/// By a rule: it has every call of ``Storage`` that reads or writes values, without the type, and every call that names
/// items or bases of this view and no values; what concerns bytes, metadata, mounts, snapshots and the storage as a whole is
/// reached through ``storage``. Promises and errors are those of ``Storage``.
public struct TypedStorage<Value: Codable & Sendable>: Sendable {
    /// The same items without the type, for everything that asks for none.
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

    // MARK: - Items

    /// Returns whether the item is there.
    public func hasItem(_ key: String) async throws(StorageError) -> Bool {
        try await self.storage.hasItem(key)
    }

    /// Returns the item's value, or `nil` if it is absent.
    public func getItem(_ key: String) async throws(StorageError) -> Value? {
        try await self.storage.getItem(key)
    }

    /// Returns the item's value with its metadata, both of one and the same write.
    public func getEntry(_ key: String) async throws(StorageError) -> StorageEntry<Value>? {
        try await self.storage.getEntry(key)
    }

    /// Stores the value; `nil` removes the item.
    public func setItem(_ key: String, _ value: Value?, ttl: TTL = .default) async throws(StorageError) {
        try await self.storage.setItem(key, value, ttl: ttl)
    }

    /// Stores the value if the key has none, and returns whether it did.
    public func setItem(
        _ key: String,
        _ value: Value,
        ttl: TTL = .default,
        ifAbsent: Bool
    ) async throws(StorageError) -> Bool {
        try await self.storage.setItem(key, value, ttl: ttl, ifAbsent: ifAbsent)
    }

    /// Stores the value if the item's value has that etag, and returns whether it did.
    public func setItem(
        _ key: String,
        _ value: Value,
        ifMatch etag: ETag,
        ttl: TTL = .default
    ) async throws(StorageError) -> Bool {
        try await self.storage.setItem(key, value, ifMatch: etag, ttl: ttl)
    }

    /// Removes the item and returns whether it was there.
    @discardableResult
    public func removeItem(_ key: String) async throws(StorageError) -> Bool {
        try await self.storage.removeItem(key)
    }

    /// Gives the item a new lifetime and returns whether it was there.
    @discardableResult
    public func touchItem(_ key: String, ttl: TTL) async throws(StorageError) -> Bool {
        try await self.storage.touchItem(key, ttl: ttl)
    }

    // MARK: - Batches

    /// Returns the values in the order asked, `nil` where there is none.
    public func getItems(_ keys: [String]) async throws(StorageError) -> [Value?] {
        try await self.storage.getItems(keys)
    }

    /// Returns the values with their metadata in the order asked, each of one write.
    public func getEntries(_ keys: [String]) async throws(StorageError) -> [StorageEntry<Value>?] {
        try await self.storage.getEntries(keys)
    }

    /// Stores the values; all or nothing for those of one mount where its driver can.
    @_disfavoredOverload
    public func setItems(_ items: [(String, Value)], ttl: TTL = .default) async throws(StorageError) {
        try await self.storage.setItems(items, ttl: ttl)
    }

    /// Stores the values of a dictionary.
    public func setItems(_ items: [String: Value], ttl: TTL = .default) async throws(StorageError) {
        try await self.storage.setItems(items, ttl: ttl)
    }

    /// Removes the items and returns how many were there.
    @discardableResult
    public func removeItems(_ keys: [String]) async throws(StorageError) -> Int {
        try await self.storage.removeItems(keys)
    }
}

extension TypedStorage {
    // MARK: - Atomic

    /// Reads the item, lets the body change it, and writes it back, as one step; an absent item starts as `default`.
    public func updateItem<Result>(
        _ key: String,
        default defaultValue: @autoclosure () -> Value,
        ttl: TTL = .default,
        _ body: (inout Value) -> Result
    ) async throws(StorageError) -> Result {
        try await self.storage.updateItem(key, default: defaultValue(), ttl: ttl, body)
    }

    /// Does the same by a body that may throw.
    @_disfavoredOverload
    public func updateItem<Result, Failure: Error>(
        _ key: String,
        default defaultValue: @autoclosure () -> Value,
        ttl: TTL = .default,
        _ body: (inout Value) throws(Failure) -> Result
    ) async throws -> Result {
        try await self.storage.updateItem(key, default: defaultValue(), ttl: ttl, body)
    }

    /// Reads the item, lets the body change, create or remove it, and writes that back, as one step.
    public func updateItem<Result>(
        _ key: String,
        ttl: TTL = .default,
        _ body: (inout Value?) -> Result
    ) async throws(StorageError) -> Result {
        try await self.storage.updateItem(key, as: Value.self, ttl: ttl, body)
    }

    /// Does the same by a body that may throw.
    @_disfavoredOverload
    public func updateItem<Result, Failure: Error>(
        _ key: String,
        ttl: TTL = .default,
        _ body: (inout Value?) throws(Failure) -> Result
    ) async throws -> Result {
        try await self.storage.updateItem(key, as: Value.self, ttl: ttl, body)
    }

    /// Returns the item's value and removes the item, as one step.
    public func takeItem(_ key: String) async throws(StorageError) -> Value? {
        try await self.storage.takeItem(key)
    }

    /// Checks and writes several items as one step, and returns whether it did.
    public func commit(_ build: (inout CommitBuilder) -> Void) async throws(StorageError) -> Bool {
        try await self.storage.commit(build)
    }

    /// Reads and writes several items as one step; see ``Storage/transaction(_:_:)``.
    public func transaction<Result, Failure: Error>(
        _ base: String = "",
        _ body: (inout StorageTransaction) async throws(Failure) -> Result
    ) async throws -> Result {
        try await self.storage.transaction(base, body)
    }

    // MARK: - Keys

    /// Returns the keys below a base.
    public func getKeys(_ base: String = "", maxDepth: Int? = nil) async throws(StorageError) -> [String] {
        try await self.storage.getKeys(base, maxDepth: maxDepth)
    }

    /// Returns one page of the keys below a base, and a cursor for the next one.
    public func getPage(
        of base: String = "",
        after cursor: String? = nil,
        limit: Int = 100,
        maxDepth: Int? = nil
    ) async throws(StorageError) -> StoragePage {
        try await self.storage.getPage(of: base, after: cursor, limit: limit, maxDepth: maxDepth)
    }

    /// Returns the keys below a base, a page at a time.
    public func keys(
        in base: String = "",
        maxDepth: Int? = nil,
        pageSize: Int = 1000
    ) -> some AsyncSequence<String, StorageError> & Sendable {
        self.storage.keys(in: base, maxDepth: maxDepth, pageSize: pageSize)
    }

    /// Returns the items below a base, a page at a time.
    public func items(
        in base: String = "",
        pageSize: Int = 1000
    ) -> some AsyncSequence<(key: String, value: Value), StorageError> & Sendable {
        self.storage.items(in: base, as: Value.self, pageSize: pageSize)
    }

    /// Returns the items below a base with their metadata, a page at a time.
    public func entries(
        in base: String = "",
        pageSize: Int = 500
    ) -> some AsyncSequence<ListedEntry<Value>, StorageError> & Sendable {
        self.storage.entries(in: base, as: Value.self, pageSize: pageSize)
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
    ) async throws(StorageError) -> some AsyncSequence<StorageEvent, Never> & Sendable {
        try await self.storage.watch(base, bufferSize: bufferSize)
    }
}
