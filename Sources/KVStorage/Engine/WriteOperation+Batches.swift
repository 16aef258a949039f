/// What an engine found of a ``Commit/Check`` in its write transaction.
package enum CheckResult: Sendable {
    /// What is demanded is so; whether the item is there.
    case holds(isThere: Bool)
    /// It is not; the bytes that the item has, or `nil` if it is absent.
    case fails(current: [UInt8]?)
}

extension WriteOperation {
    /// Writes one mutation in an engine's transaction; with the second argument `false` nobody asks whether the item of a set
    /// was there, so that it need not be looked for.
    package typealias MutationWriter = (Mutation, _ looks: Bool) throws(StorageError) -> Answer

    /// Carries out a batch in an engine's transaction, which the engine has to undo if this throws.
    package static func apply(
        _ mutations: [Mutation],
        write: MutationWriter
    ) throws(StorageError) -> Answer {
        var total = Answer()
        total.each.reserveCapacity(mutations.count)
        for mutation in mutations {
            let answer = try Self.write(mutation, looks: false, write)
            if case .set = mutation { total.each.append(true) } else { total.each.append(answer.found) }
            total.takeEarlier(answer.deadline)
        }
        return total
    }

    /// Carries out a commit in an engine's transaction, which the engine has to undo if this throws.
    ///
    /// `check` need not read a value that only has to be there, or absent.
    package static func commit(
        _ commit: Commit,
        check: (Commit.Check) throws(StorageError) -> CheckResult,
        write: MutationWriter
    ) throws(StorageError) -> Answer {
        // What a check has found need not be looked for again.
        var isThere: [KeyIdentity: Bool] = [:]
        for (index, demand) in commit.checks.enumerated() {
            switch try check(demand) {
            case .holds(let found): isThere[KeyIdentity(demand.key)] = found
            case .fails(let current): return Answer(found: false, bytes: current, number: index)
            }
        }
        var total = Answer()
        total.each.reserveCapacity(commit.mutations.count)
        for mutation in commit.mutations {
            let known = isThere.isEmpty ? nil : isThere[KeyIdentity(mutation.key)]
            let answer = try Self.write(mutation, looks: known == nil, write)
            total.each.append(known ?? answer.found)
            total.takeEarlier(answer.deadline)
        }
        return total
    }

    private static func write(
        _ mutation: Mutation,
        looks: Bool,
        _ write: MutationWriter
    ) throws(StorageError) -> Answer {
        do throws(StorageError) {
            return try write(mutation, looks)
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
