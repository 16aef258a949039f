/// An engine that keeps bytes under keys.
///
/// Keys are relative to where the driver is mounted, normal (see ``normalizeKey(_:)``), not empty, free of NUL and
/// don't end in `$`. Two keys are equal when their UTF-8 bytes are. ``Storage`` takes care of all that before a driver is asked.
///
/// The sentences below are the contract; each has a behaviour in the conformance suite of the product
/// `KVStorageTesting`, which every driver is meant to run.
///
/// - From its deadline on an item is absent to every call, and it is removed from the medium without anybody asking.
/// - Every call sees all writes that were acknowledged before it began.
/// - A call that throws has changed nothing, unless its code says otherwise (``StorageError/Code/connectionLost``,
///   ``StorageError/Code/timeout``, ``StorageError/Code/partlyDone``, ``StorageError/Code/inputOutput``).
/// - Cancelling the calling task never leaves half a write.
/// - After ``dispose()`` every call throws ``StorageError/Code/closed``.
///
/// The first group of requirements is all that a driver has to write. The second has defaults built on the first, which
/// a driver replaces by what its engine does natively.
public protocol StorageDriver: Sendable {
    /// The engine's name, as in `"memory"`, for messages.
    var name: String { get }

    /// What the driver promises beyond the required.
    var capabilities: Capabilities { get }

    /// Returns the item's bytes, exactly as they were set, or `nil` if it is absent.
    func getItem(_ key: String) async throws(StorageError) -> [UInt8]?

    /// Stores the bytes, replacing an existing value and its lifetime; custom metadata of an existing item stays.
    func setItem(_ key: String, _ value: [UInt8], _ options: WriteOptions) async throws(StorageError)

    /// Removes the item with its metadata and returns whether it was there.
    func removeItem(_ key: String) async throws(StorageError) -> Bool

    /// Replaces the item if its bytes are `expected` (`nil`: if it is absent), as one step that nothing can come between.
    ///
    /// A `replacement` of `nil` removes the item with its metadata.
    func compareAndSwapItem(
        _ key: String,
        expected: [UInt8]?,
        replacement: [UInt8]?,
        _ options: WriteOptions
    ) async throws(StorageError) -> CompareAndSwapResult

    /// Gives the item a new lifetime and returns whether it was there.
    ///
    /// The value is untouched, and an absent item is not created. ``TTL/keepsDeadline`` changes nothing.
    func touchItem(_ key: String, ttl: TTL) async throws(StorageError) -> Bool

    /// Returns the items with their metadata in the order asked, one answer for each key, `nil` where there is none.
    ///
    /// Value and metadata of an entry are of one and the same write. All entries are of one moment only where
    /// ``Capabilities/Feature/wholeReads`` is declared.
    func getEntries(_ keys: [String]) async throws(StorageError) -> [Entry?]

    /// Returns one page of the keys below ``KeyQuery/base``.
    ///
    /// Each key that is there for as long as the listing lasts comes exactly once; one that comes or goes meanwhile
    /// comes at most once. The engine walks only what lies below the base.
    func getKeys(_ query: KeyQuery) async throws(StorageError) -> KeyPage

    /// Waits for what was accepted, then closes the engine. Calling it again does nothing.
    func dispose() async throws(StorageError)

    // What follows has defaults.

    /// Returns what is known about the item, or `nil` if it is absent.
    func getMeta(_ key: String) async throws(StorageError) -> ItemMeta?

    /// Returns whether the item is there.
    func hasItem(_ key: String) async throws(StorageError) -> Bool

    /// Returns the items in the order asked, one answer for each key.
    func getItems(_ keys: [String]) async throws(StorageError) -> [[UInt8]?]

    /// Carries out the writes in order and answers for each of them: for a removal or a touch whether the item was there,
    /// `true` for any other.
    ///
    /// All or nothing if ``Capabilities/Feature/atomicCommit`` is declared; else what came before a failure stays. Of a key
    /// that comes twice the last write counts.
    /// - Throws: ``StorageError/Code/notSupported`` before anything is written if one replaces custom metadata and the
    ///   driver keeps none.
    func apply(_ mutations: [Mutation]) async throws(StorageError) -> [Bool]

    /// Carries out the writes if all checks hold, as one step that nothing can come between: what is checked still holds in
    /// the instant of the writes.
    ///
    /// Always all or nothing. Each key is in at most one mutation: ``Storage`` refuses anything else.
    /// - Throws: ``StorageError/Code/notSupported``, before anything is written, where the driver can't do this with these
    ///   keys; a driver without a way of its own can do it for one key.
    func commit(_ commit: Commit) async throws(StorageError) -> CommitOutcome

    /// Returns the item's bytes and removes it, as one step; of several callers exactly one gets it.
    func takeItem(_ key: String) async throws(StorageError) -> [UInt8]?

    /// Adds `amount` to the decimal number that the item holds, as one step, and returns the sum; absent counts as 0.
    ///
    /// - Throws: ``StorageError/Code/decoding`` if the item is no 64-bit decimal integer,
    ///   ``StorageError/Code/overflow`` if the sum would be none; the item stays.
    func incrementItem(_ key: String, by amount: Int, _ options: WriteOptions) async throws(StorageError) -> Int

    /// Keeps custom metadata beside the item, replacing what was there (`nil`: removes it); returns whether the item
    /// was there. Metadata of an absent item is not kept.
    ///
    /// - Throws: ``StorageError/Code/notSupported`` by default; see ``Capabilities/Feature/customMetadata``.
    func setMeta(_ key: String, _ fields: [UInt8]?) async throws(StorageError) -> Bool

    /// Removes exactly the items that ``getKeys(_:)`` lists below `base`, and returns how many there were.
    func clear(_ base: String) async throws(StorageError) -> Int

    /// Where the driver tells of changes, after their commit; `nil` if ``Capabilities/watching`` is `.none`.
    var events: EventHub? { get }

    /// Makes ``events`` tell of everything that ``Capabilities/watching`` promises from the return of this call on.
    ///
    /// Called before every `watch`; does nothing when that is so already.
    func startWatching() async throws(StorageError)

    /// Returns a driver over the same store whose calls end after at most `limit`, whatever this driver's own limit is.
    ///
    /// It shares everything with this driver, connections and disposal included; making one is cheap.
    /// - Throws: ``StorageError/Code/notSupported`` by default, and ``StorageError/Code/invalidOption`` unless `limit` is
    ///   positive.
    func limited(to limit: Duration) throws(StorageError) -> any StorageDriver
}
