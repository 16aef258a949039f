import KVStorage

/// A write that waits in the queue.
enum SQLiteOperation: Sendable {
    case set(key: String, value: [UInt8], options: WriteOptions)
    case remove(key: String)
    case compareAndSwap(key: String, expected: [UInt8]?, replacement: [UInt8]?, options: WriteOptions)
    case touch(key: String, ttl: Duration?)
    case take(key: String)
    case increment(key: String, amount: Int, options: WriteOptions)
    case setMeta(key: String, fields: [UInt8]?)
    case apply([Mutation])
    case clear(base: String)
    /// Removes at most `limit` of the items that expired by `deadline`.
    case sweep(deadline: Timestamp, limit: Int)

    /// What a write did; each uses the parts that it has an answer for.
    struct Answer: Sendable {
        /// Whether the item was there, or was as expected.
        var found = true
        /// The item's bytes: those taken, or those that were not as expected.
        var bytes: [UInt8]?
        /// How many items were removed, or the sum.
        var number = 0
        /// The earliest deadline that was written.
        var deadline: Timestamp?
    }
}
