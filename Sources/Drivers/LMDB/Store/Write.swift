import KVStorage

/// A write that waits in the queue, and whose it is. The lengths of its keys and values were checked before.
struct Write: Sendable {
    let store: Store
    let operation: WriteOperation
}

extension WriteOperation {
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
