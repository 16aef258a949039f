/// A handle to a key-value storage: drivers mounted at prefixes, seen from a base, with a codec for values.
///
///     let storage = Storage()                                            // in memory
///     try storage.mount("users", .sqlite(at: "users.db"))
///     try await storage.setItem("users:ada", User(name: "Ada"), ttl: .seconds(3600))
///     let ada: User? = try await storage.getItem("users:ada")
///     let visits = try await storage.updateItem("visits", default: 0) { $0 += 1; return $0 }
///
/// Copies share the same mounts; ``prefixed(_:)`` and ``typed(_:)`` give narrower views of them. All calls may be made
/// from any task at any time.
///
/// Keys are paths of segments separated by colons. Every call normalises its key (see ``normalizeKey(_:)``) and throws
/// ``StorageError/Code/invalidKey`` if nothing can be stored under it: an empty key, one that is itself a mount point, one
/// that holds NUL or ends in `$`.
public struct Storage: Sendable {
    let core: StorageCore
    /// What this handle's keys start with, normal and with a colon at the end; empty for the root.
    let base: String
    let values: ValueCoding

    /// Creates a storage with a driver at its root, and a codec for values that are neither text nor raw bytes.
    public init(_ driver: some StorageDriver = .memory, codec: some StorageCodec = .json) {
        self.init(core: StorageCore(root: driver), base: "", values: ValueCoding(codec))
    }

    init(core: StorageCore, base: String, values: ValueCoding) {
        self.core = core
        self.base = base
        self.values = values
    }

    /// Returns a view of what lies below a base: its keys are relative to it, and it reaches nothing else.
    ///
    /// ``mount(_:_:ttl:)``, ``clear(_:)``, ``watch(_:bufferSize:)`` and the listings count from the base too; ``dispose()`` disposes
    /// of the whole storage.
    public func prefixed(_ base: String) -> Storage {
        Storage(core: self.core, base: self.base + normalizeBaseKey(base), values: self.values)
    }

    /// Returns a view of what lies below a base, with values of one type.
    public func prefixed<Value: Codable & Sendable>(_ base: String, of type: Value.Type) -> TypedStorage<Value> {
        TypedStorage(self.prefixed(base))
    }

    /// Returns a view with values of one type.
    public func typed<Value: Codable & Sendable>(_ type: Value.Type) -> TypedStorage<Value> {
        TypedStorage(self)
    }

    /// Waits for what was accepted, then closes every mounted driver; later calls throw ``StorageError/Code/closed``.
    ///
    /// Calling it again does nothing. It closes the drivers themselves: another storage that shares one loses it too.
    /// - Throws: The first error of a driver; the others are closed all the same.
    public func dispose() async throws(StorageError) {
        try await self.core.dispose()
    }
}

extension Storage {
    /// Where a key leads: the mount that keeps it and its name there.
    struct Route {
        let mount: MountPoint
        /// The key as the driver knows it.
        let key: String
        /// How much of a full key the handle leaves out.
        fileprivate let handleBaseCount: Int

        /// The key as the caller of the handle knows it, for errors.
        var name: String {
            if self.mount.baseCount == self.handleBaseCount { return self.key }
            return keyDroppingPrefix(self.mount.base + self.key, self.handleBaseCount)
        }
    }

    /// Normalises and validates the key and finds its mount.
    func route(_ key: String) throws(StorageError) -> Route {
        let full = try self.fullKey(key)
        return try self.route(full, to: self.core.mount(for: full))
    }

    /// Does the same by a table that the caller holds on to.
    func route(_ key: String, in table: MountTable) throws(StorageError) -> Route {
        let full = try self.fullKey(key)
        return try self.route(full, to: table.mount(forItem: full))
    }

    private func route(_ full: String, to mount: MountPoint?) throws(StorageError) -> Route {
        let handleBaseCount = self.base.utf8.count
        guard let mount else {
            throw StorageError(
                .invalidKey,
                "the key is a mount point, which can't hold an item itself; use a key below it",
                key: keyDroppingPrefix(full, handleBaseCount)
            )
        }
        return Route(mount: mount, key: keyDroppingPrefix(full, mount.baseCount), handleBaseCount: handleBaseCount)
    }

    /// Returns the key normalised and counted from the storage's root.
    private func fullKey(_ key: String) throws(StorageError) -> String {
        if isNormalItemKey(key) { return self.base.isEmpty ? key : self.base + key }
        let name = normalizeKey(key)
        try StorageKey.validate(name)
        return self.base + name
    }

    /// Throws unless the life time is positive.
    static func validate(ttl: Duration?) throws(StorageError) {
        guard let ttl, ttl <= .zero else { return }
        throw StorageError(.invalidOption, "the life time must be positive; to remove an item use removeItem")
    }
}
