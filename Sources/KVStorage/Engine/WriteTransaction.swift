/// An engine's open write transaction, in which ``WriteOperation/run(in:)`` carries out operations.
///
/// An engine says here what it does natively; what follows from that stands in `run`, once for all engines. An operation that
/// throws has to be undone by the engine, unless it says otherwise.
package protocol WriteTransaction {
    /// When it began, by the driver's clock.
    var now: Timestamp { get }

    /// Stores value, deadline and metadata, and answers with the deadline; and whether the item was there, if `looks` asks.
    mutating func set(
        _ key: String,
        _ value: [UInt8],
        _ options: WriteOptions,
        _ fields: FieldChange,
        looks: Bool
    ) throws(StorageError) -> WriteOperation.Answer
    /// Removes the item and returns whether it was there.
    mutating func remove(_ key: String) throws(StorageError) -> Bool
    /// Removes the item and returns its bytes.
    mutating func take(_ key: String) throws(StorageError) -> [UInt8]?
    /// Writes the other deadline, and returns whether the item was there.
    mutating func touch(_ key: String, _ deadline: Timestamp?) throws(StorageError) -> Bool
    /// Keeps the metadata beside the value, and returns whether the item was there.
    mutating func setMeta(_ key: String, _ fields: [UInt8]?) throws(StorageError) -> Bool
    /// Removes the items below the base, and returns how many of them had not expired.
    mutating func clear(_ base: String) throws(StorageError) -> Int
    /// Removes at most `limit` of the items that expired by the deadline, and returns how many.
    mutating func sweep(_ deadline: Timestamp, _ limit: Int) throws(StorageError) -> Int

    /// Returns whether the item is there.
    func hasItem(_ key: String) throws(StorageError) -> Bool
    /// Returns the item's bytes.
    func bytes(of key: String) throws(StorageError) -> [UInt8]?
    /// Compares the item where the engine has it; one that only has to be there, or absent, need not be read.
    func check(_ check: Commit.Check) throws(StorageError) -> CheckResult

    /// Calls a body that changes several items, of which it has to change all or, if it throws, none.
    mutating func asOne<Value>(_ body: (inout Self) throws(StorageError) -> Value) throws(StorageError) -> Value
}

extension WriteTransaction {
    /// Only calls the body: for an engine that undoes the whole transaction.
    package mutating func asOne<Value>(
        _ body: (inout Self) throws(StorageError) -> Value
    ) throws(StorageError) -> Value {
        try body(&self)
    }
}

/// What an engine found of a ``Commit/Check`` in its write transaction.
package enum CheckResult: Sendable {
    /// What is demanded is so; whether the item is there.
    case holds(isThere: Bool)
    /// It is not; the bytes that the item has, or `nil` if it is absent.
    case fails(current: [UInt8]?)
}
