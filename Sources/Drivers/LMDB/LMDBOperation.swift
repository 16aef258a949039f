import KVStorage

/// A write that waits in the queue, and whose it is.
struct LMDBWrite: Sendable {
    let store: LMDBStore
    let operation: LMDBOperation
}

/// What a write is to do. The lengths of its keys and values were checked before.
enum LMDBOperation: Sendable {
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
    /// Has a write transaction begin.
    case nothing

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

    /// Whether it changes one item at most: then it fails before it changes anything, unless LMDB itself fails.
    var isSingle: Bool {
        switch self {
        case .apply, .clear, .sweep: false
        default: true
        }
    }

    /// Whether it does nothing but remove.
    var isRemoval: Bool {
        switch self {
        case .remove, .take, .clear, .sweep: true
        case .compareAndSwap(_, _, let replacement, _): replacement == nil
        case .apply(let mutations):
            mutations.allSatisfy { mutation in
                if case .remove = mutation { true } else { false }
            }
        default: false
        }
    }

    /// How many bytes it brings.
    var byteCount: Int {
        switch self {
        case .set(_, let value, _): value.count
        case .compareAndSwap(_, _, let replacement, _): replacement?.count ?? 0
        case .setMeta(_, let fields): fields?.count ?? 0
        case .apply(let mutations):
            mutations.reduce(0) { sum, mutation in
                if case .set(_, let value, _) = mutation { sum + value.count } else { sum }
            }
        default: 0
        }
    }
}
