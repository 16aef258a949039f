/// A batch in which keys may come several times as a commit in which each comes once.
struct FoldedMutations {
    private(set) var mutations: [Mutation] = []
    /// What has to hold for keys that come several times, as the answers follow from it.
    private(set) var checks: [Commit.Check] = []

    /// Where the answer to each mutation of the batch is.
    private enum Answer {
        case known(Bool)
        case mutation(Int)
    }

    private var answers: [Answer] = []

    init(_ batch: [Mutation], _ states: [KeyIdentity: OverlayState]) {
        var positions: [KeyIdentity: [Int]] = [:]
        for (position, mutation) in batch.enumerated() {
            positions[KeyIdentity(mutation.key), default: []].append(position)
        }
        self.answers = batch.map { _ in .known(true) }
        for (position, mutation) in batch.enumerated() {
            let all = positions[KeyIdentity(mutation.key)] ?? []
            guard all.first == position else { continue }
            if all.count == 1 {
                if case .set = mutation {} else { self.answers[position] = .mutation(self.mutations.count) }
                self.mutations.append(mutation)
                continue
            }
            var isThere = states[KeyIdentity(mutation.key)]?.visible != nil
            self.checks.append(Commit.Check(mutation.key, isThere ? .present : .absent))
            var sum: Mutation?
            for position in all {
                if case .set = batch[position] {} else { self.answers[position] = .known(isThere) }
                sum = Self.sum(sum, batch[position], isThere: &isThere)
            }
            if let sum { self.mutations.append(sum) }
        }
    }

    /// Returns the answers to the batch, of what the commit found.
    func answers(_ found: [Bool]) -> [Bool] {
        self.answers.map { answer in
            switch answer {
            case .known(let isThere): isThere
            case .mutation(let index): found[index]
            }
        }
    }

    /// Returns what does the same as the first and then the second.
    private static func sum(_ first: Mutation?, _ second: Mutation, isThere: inout Bool) -> Mutation? {
        switch second {
        case .remove:
            isThere = false
            return second
        case .touch(let key, let ttl):
            guard isThere, !ttl.keepsDeadline else { return first }
            guard case .set(_, let value, _, let fields) = first else { return .touch(key: key, ttl: ttl) }
            return .set(key: key, value: value, options: WriteOptions(ttl: ttl), fields: fields)
        case .set(let key, let value, let options, let fields):
            defer { isThere = true }
            switch first {
            case nil: return second
            case .remove:
                let ttl = options.keepsDeadline ? options.ttl.ofNewItem : options.ttl
                let fields = fields == .keep ? .replace(nil) : fields
                return .set(key: key, value: value, options: WriteOptions(ttl: ttl), fields: fields)
            case .touch(_, let touched):
                let ttl = options.keepsDeadline && isThere ? touched : options.ttl
                return .set(key: key, value: value, options: WriteOptions(ttl: ttl), fields: fields)
            case .set(_, _, let before, let old):
                let ttl = options.keepsDeadline ? before.ttl : options.ttl
                let fields = fields == .keep ? old : fields
                return .set(key: key, value: value, options: WriteOptions(ttl: ttl), fields: fields)
            }
        }
    }
}

extension TTL {
    /// What counts for an item that is created.
    fileprivate var ofNewItem: TTL {
        switch self.lifetime {
        case .mount, .forever: .forever
        case .after(let duration): .after(duration)
        case .until(let deadline): .until(deadline)
        }
    }
}
