extension WriteOperation {
    /// Carries out the operation in an engine's open transaction.
    package func run(in transaction: inout some WriteTransaction) throws(StorageError) -> Answer {
        switch self {
        case .set(let key, let value, let options):
            return try transaction.set(key, value, options, .keep, looks: false)
        case .remove(let key):
            return Answer(found: try transaction.remove(key))
        case .compareAndSwap(let key, let expected, let replacement, let options):
            return try Self.compareAndSwap(key, expected, replacement, options, in: &transaction)
        case .touch(let key, let ttl):
            return try Self.touch(key, ttl, in: &transaction)
        case .take(let key):
            return Answer(bytes: try transaction.take(key))
        case .increment(let key, let amount, let options):
            return try Self.increment(key, amount, options, in: &transaction)
        case .setMeta(let key, let fields):
            return Answer(found: try transaction.setMeta(key, fields))
        case .apply(let mutations):
            return try Self.asOne(mutations, in: &transaction) { transaction throws(StorageError) in
                try Self.apply(mutations, in: &transaction)
            }
        case .commit(let commit):
            return try Self.asOne(commit.mutations, in: &transaction) { transaction throws(StorageError) in
                try Self.commit(commit, in: &transaction)
            }
        case .clear(let base):
            let removed = try transaction.asOne { transaction throws(StorageError) in try transaction.clear(base) }
            return Answer(number: removed)
        case .sweep(let deadline, let limit):
            // The clock may have been turned back since: what was written after that has not expired.
            return Answer(number: try transaction.sweep(min(deadline, transaction.now), limit))
        }
    }

    /// A single mutation is undone by the engine itself.
    private static func asOne<Transaction: WriteTransaction>(
        _ mutations: [Mutation],
        in transaction: inout Transaction,
        _ body: (inout Transaction) throws(StorageError) -> Answer
    ) throws(StorageError) -> Answer {
        mutations.count > 1 ? try transaction.asOne(body) : try body(&transaction)
    }

    private static func compareAndSwap(
        _ key: String,
        _ expected: [UInt8]?,
        _ replacement: [UInt8]?,
        _ options: WriteOptions,
        in transaction: inout some WriteTransaction
    ) throws(StorageError) -> Answer {
        let check = Commit.Check(key, expected.map { .bytes($0) } ?? .absent)
        if case .fails(let current) = try transaction.check(check) { return Answer(found: false, bytes: current) }
        guard let replacement else {
            if expected != nil { _ = try transaction.remove(key) }
            return Answer()
        }
        var answer = try transaction.set(key, replacement, options, .keep, looks: false)
        answer.found = true
        return answer
    }

    private static func increment(
        _ key: String,
        _ amount: Int,
        _ options: WriteOptions,
        in transaction: inout some WriteTransaction
    ) throws(StorageError) -> Answer {
        let current = try transaction.bytes(of: key)
        let (sum, bytes) = try StoredInteger.increment(current, by: amount, key: key)
        var answer = try transaction.set(key, bytes, options, .keep, looks: false)
        answer.number = sum
        return answer
    }

    private static func touch(
        _ key: String,
        _ ttl: TTL,
        in transaction: inout some WriteTransaction
    ) throws(StorageError) -> Answer {
        let deadline = ttl.deadline(at: transaction.now)
        let found = try transaction.touch(key, deadline)
        return Answer(found: found, deadline: found ? deadline : nil)
    }

    private static func apply(
        _ mutations: [Mutation],
        in transaction: inout some WriteTransaction
    ) throws(StorageError) -> Answer {
        var total = Answer()
        total.each.reserveCapacity(mutations.count)
        for mutation in mutations {
            let answer = try Self.write(mutation, looks: false, in: &transaction)
            if case .set = mutation { total.each.append(true) } else { total.each.append(answer.found) }
            total.takeEarlier(answer.deadline)
        }
        return total
    }

    private static func commit(
        _ commit: Commit,
        in transaction: inout some WriteTransaction
    ) throws(StorageError) -> Answer {
        // What a check has found need not be looked for again.
        var isThere: [KeyIdentity: Bool] = [:]
        for (index, check) in commit.checks.enumerated() {
            switch try transaction.check(check) {
            case .holds(let found): isThere[KeyIdentity(check.key)] = found
            case .fails(let current): return Answer(found: false, bytes: current, number: index)
            }
        }
        var total = Answer()
        total.each.reserveCapacity(commit.mutations.count)
        for mutation in commit.mutations {
            let known = isThere.isEmpty ? nil : isThere[KeyIdentity(mutation.key)]
            let answer = try Self.write(mutation, looks: known == nil, in: &transaction)
            total.each.append(known ?? answer.found)
            total.takeEarlier(answer.deadline)
        }
        return total
    }

    /// Writes one mutation of several; with `looks` it answers whether the item of a set was there.
    private static func write(
        _ mutation: Mutation,
        looks: Bool,
        in transaction: inout some WriteTransaction
    ) throws(StorageError) -> Answer {
        do throws(StorageError) {
            switch mutation {
            case .set(let key, let value, let options, let fields):
                return try transaction.set(key, value, options, fields, looks: looks)
            case .remove(let key):
                return Answer(found: try transaction.remove(key))
            case .touch(let key, let ttl):
                if ttl.keepsDeadline { return Answer(found: try transaction.hasItem(key)) }
                return try Self.touch(key, ttl, in: &transaction)
            }
        } catch {
            // Of many keys the caller learns the one that could not be written.
            throw error.key == nil ? error.naming(mutation.key) : error
        }
    }
}

extension WriteOperation.Answer {
    fileprivate mutating func takeEarlier(_ deadline: Timestamp?) {
        guard let deadline else { return }
        self.deadline = min(deadline, self.deadline ?? deadline)
    }
}
