/// Keeps nothing: every write succeeds and every item is absent.
public struct NullDriver: StorageDriver {
    /// `null`.
    public let name = "null"
    /// Discards everything.
    public let capabilities = Capabilities([
        .atomicCommit, .wholeReads, .orderedKeys, .customMetadata, .discards,
    ])

    /// Creates the driver.
    public init() {}

    /// Returns `nil`.
    public func getItem(_ key: String) async throws(StorageError) -> [UInt8]? { nil }

    /// Does nothing.
    public func setItem(_ key: String, _ value: [UInt8], _ options: WriteOptions) async throws(StorageError) {}

    /// Returns false.
    public func removeItem(_ key: String) async throws(StorageError) -> Bool { false }

    /// Swaps if nothing is expected, as there is never anything.
    public func compareAndSwapItem(
        _ key: String,
        expected: [UInt8]?,
        replacement: [UInt8]?,
        _ options: WriteOptions
    ) async throws(StorageError) -> CompareAndSwapResult {
        expected == nil ? .swapped : .mismatch(current: nil)
    }

    /// Returns false.
    public func touchItem(_ key: String, ttl: TTL) async throws(StorageError) -> Bool { false }

    /// Returns `nil` for each key.
    public func getEntries(_ keys: [String]) async throws(StorageError) -> [Entry?] {
        Array(repeating: nil, count: keys.count)
    }

    /// Compares with the absence of every item.
    public func commit(_ commit: Commit) async throws(StorageError) -> CommitOutcome {
        let index = commit.checks.firstIndex { !$0.condition.holds(for: nil) }
        if let index { return .mismatch(index: index, current: nil) }
        return .committed(found: commit.mutations.map { _ in false })
    }

    /// Returns false.
    public func setMeta(_ key: String, _ fields: [UInt8]?) async throws(StorageError) -> Bool { false }

    /// Returns no keys.
    public func getKeys(_ query: KeyQuery) async throws(StorageError) -> KeyPage { KeyPage(keys: []) }

    /// Does nothing.
    public func dispose() async throws(StorageError) {}
}

extension StorageDriver where Self == NullDriver {
    /// A driver that keeps nothing.
    public static var null: NullDriver { NullDriver() }
}
