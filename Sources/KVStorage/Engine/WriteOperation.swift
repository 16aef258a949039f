/// A write that waits in a driver's ``GroupCommitQueue``, for engines that carry out all of these natively.
package enum WriteOperation: Sendable {
    case set(key: String, value: [UInt8], options: WriteOptions)
    case remove(key: String)
    case compareAndSwap(key: String, expected: [UInt8]?, replacement: [UInt8]?, options: WriteOptions)
    case touch(key: String, ttl: TTL)
    case take(key: String)
    case increment(key: String, amount: Int, options: WriteOptions)
    case setMeta(key: String, fields: [UInt8]?)
    case apply([Mutation])
    case commit(Commit)
    case clear(base: String)
    /// Removes at most `limit` of the items that expired by `deadline`.
    case sweep(deadline: Timestamp, limit: Int)

    /// What a write did; each uses the parts that it has an answer for.
    package struct Answer: Sendable {
        /// Whether the item was there, or was as expected, or all checks held.
        package var found: Bool
        /// The item's bytes: those taken, or those that were not as expected.
        package var bytes: [UInt8]?
        /// How many items were removed, or the sum, or which check did not hold.
        package var number: Int
        /// For each write of a batch, whether its item was there before.
        package var each: [Bool] = []
        /// The earliest deadline that was written.
        package var deadline: Timestamp?

        package init(found: Bool = true, bytes: [UInt8]? = nil, number: Int = 0, deadline: Timestamp? = nil) {
            self.found = found
            self.bytes = bytes
            self.number = number
            self.deadline = deadline
        }
    }
}

extension WriteOperation {
    /// Whether it does nothing but remove, so that it may use what an engine keeps of a full disk for that.
    package var onlyRemoves: Bool {
        switch self {
        case .remove, .take, .clear, .sweep, .setMeta(_, nil), .compareAndSwap(_, _, nil, _): true
        case .apply(let mutations): mutations.onlyRemove
        case .commit(let commit): commit.mutations.onlyRemove
        case .set, .touch, .increment, .setMeta, .compareAndSwap: false
        }
    }
}

extension Capabilities {
    /// Checks the length of what is to be written.
    ///
    /// - Throws: ``StorageError/Code/tooLarge`` if the engine, by its name, doesn't take as many bytes.
    package func requireSize(of value: [UInt8], _ key: String, _ engine: String) throws(StorageError) {
        guard let maximum = self.maximumValueBytes, value.count > maximum else { return }
        throw StorageError(
            .tooLarge,
            "the value has \(value.count) bytes, \(engine) takes up to \(maximum); split it",
            key: key
        )
    }
}

extension Collection<Mutation> {
    /// Whether they leave less than before, so that an engine may use what it keeps for that.
    package var onlyRemove: Bool {
        // What changes nothing must not count as a removal that has made room.
        !self.isEmpty
            && self.allSatisfy { mutation in
                if case .remove = mutation { true } else { false }
            }
    }

    /// How many bytes of values and metadata they bring.
    package var byteCount: Int {
        self.reduce(0) { sum, mutation in
            guard case .set(_, let value, _, let fields) = mutation else { return sum }
            guard case .replace(let bytes?) = fields else { return sum + value.count }
            return sum + value.count + bytes.count
        }
    }
}
