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
    /// Whether the base may be one; else every call throws, as ``prefixed(_:)`` can't.
    let isBaseValid: Bool
    /// How long a call may take; see ``timeLimit(_:)``.
    let limit: Duration?

    /// Creates a storage with a driver at its root, and a codec for values that are neither text nor raw bytes.
    ///
    /// Atomic calls that meet others on the same item try again for `busyTimeout`, by default five seconds, and 16 times at
    /// least, before they throw ``StorageError/Code/conflict``.
    public init(
        _ driver: some StorageDriver = .memory,
        codec: some StorageCodec = .json,
        busyTimeout: Duration = .seconds(5)
    ) {
        self.init(
            core: StorageCore(root: driver, busyTimeout: busyTimeout),
            base: "",
            values: ValueCoding(codec),
            isBaseValid: true,
            limit: nil
        )
    }

    private init(core: StorageCore, base: String, values: ValueCoding, isBaseValid: Bool, limit: Duration?) {
        self.core = core
        self.base = base
        self.values = values
        self.isBaseValid = isBaseValid
        self.limit = limit
    }

    /// Returns a view of what lies below a base: its keys are relative to it, and it reaches nothing else.
    ///
    /// ``mount(_:_:ttl:)``, ``clear(_:)``, ``watch(_:bufferSize:)`` and the listings count from the base too; ``dispose()`` disposes
    /// of the whole storage.
    ///
    /// An empty base is the view itself. One that holds NUL, or that is not empty but has nothing left when it is normal
    /// (`"/"`, `"?x"`), gives a view of which every call throws ``StorageError/Code/invalidKey``, so that a base from outside
    /// can't widen a view; ``StorageKey/escaped(_:)`` makes a segment of any text.
    public func prefixed(_ base: String) -> Storage {
        Storage(
            core: self.core,
            base: self.base + normalizeBaseKey(base),
            values: self.values,
            isBaseValid: self.isBaseValid && StorageKey.problem(ofBase: base) == nil,
            limit: self.limit
        )
    }

    /// Returns a view whose every call ends after at most `limit`, whatever limit the driver has of its own.
    ///
    /// Each call throws ``StorageError/Code/notSupported`` if the driver that it goes to can't end a call, and
    /// ``StorageError/Code/invalidOption`` if `limit` is not positive. A call of several steps has the limit for each of them:
    /// each page of a listing, each try of an atomic call. What may have run when its time was up throws
    /// ``StorageError/Code/timeout``.
    public func timeLimit(_ limit: Duration) -> Storage {
        Storage(core: self.core, base: self.base, values: self.values, isBaseValid: self.isBaseValid, limit: limit)
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

extension Storage: CustomStringConvertible {
    /// The handle's base and what is mounted where, as in `Storage(users: in: the root (memory), users: (sqlite))`.
    public var description: String {
        let mounts = MountTable.longestFirst(self.core.table.mounts).reversed().map(\.mount.description)
        let base = self.base.isEmpty ? "" : "\(self.base) in: "
        return "Storage(\(base)\(mounts.joined(separator: ", ")))"
    }
}
