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
        case .set, .remove, .compareAndSwap, .touch, .take, .increment, .setMeta: true
        case .apply, .commit, .clear, .sweep: false
        }
    }

    /// Whether it does nothing but remove, for which LMDB takes the least room.
    var isRemoval: Bool {
        // The record of an item that loses its metadata is written anew, with the value.
        if case .setMeta = self { false } else { self.onlyRemoves }
    }

    /// Whether it may have changed something, given its answer: a check that did not hold has not.
    func mayHaveChanged(_ answer: Answer) -> Bool {
        switch self {
        case .compareAndSwap(_, let expected, let replacement, _):
            answer.found && (expected != nil || replacement != nil)
        case .apply(let mutations): !mutations.isEmpty
        case .commit(let commit): answer.found && !commit.mutations.isEmpty
        // What had expired is removed by a write that did not find it.
        case .set, .remove, .touch, .take, .increment, .setMeta, .clear, .sweep: true
        }
    }

    /// How many bytes it brings.
    var byteCount: Int {
        switch self {
        case .set(_, let value, _): value.count
        case .compareAndSwap(_, _, let replacement, _): replacement?.count ?? 0
        case .setMeta(_, let fields): fields?.count ?? 0
        case .apply(let mutations): mutations.byteCount
        case .commit(let commit): commit.mutations.byteCount
        case .remove, .touch, .take, .increment, .clear, .sweep: 0
        }
    }
}
