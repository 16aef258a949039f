/// What an overlay's lower layers have of a key.
struct BelowState: Sendable {
    /// The item of the first of them that has one; its value only if that is needed.
    var entry: Entry
    /// When the last of their items expires; `nil` means never.
    private(set) var deadline: Timestamp?

    init(entry: Entry, deadline: Timestamp?) {
        self.entry = entry
        self.deadline = deadline
    }

    /// Notes that another layer has an item too.
    mutating func add(_ deadline: Timestamp?) {
        self.deadline = self.deadline.flatMap { own in deadline.map { max(own, $0) } }
    }

    /// Returns the write of the tombstone that hides it all, for as long as there is something to hide.
    func tombstone(of key: String) -> Mutation {
        let ttl = self.deadline.map { TTL.until($0.advanced(by: Tombstone.margin)) } ?? .forever
        return .set(key: Tombstone.of(key), value: [], options: WriteOptions(ttl: ttl))
    }
}

/// How a key stands in an overlay.
struct OverlayState: Sendable {
    /// What the first layer has.
    var top: Entry?
    /// What lies below and is not hidden by a tombstone yet.
    var below: BelowState?

    /// What a read answers.
    var visible: Entry? { self.top ?? self.below?.entry }
    /// Whether a write has to hide something.
    var isCovering: Bool { self.below != nil }
}

/// The commit of the first layer that does what a commit of the overlay is to do, as long as the keys stand as they
/// were read.
struct OverlayPlan {
    private(set) var commit = Commit()
    private(set) var hidings: [OverlayEvents.Hiding] = []
    /// For each of the overlay's mutations where its answer is; `nil` if the item was there, which is checked.
    private var sources: [Int?] = []

    init(_ commit: Commit, _ states: [KeyIdentity: OverlayState], keepsFields: Bool) {
        for check in commit.checks {
            let state = states[KeyIdentity(check.key)]
            if let below = state?.below, state?.top == nil {
                self.require(check.key, .absent, nothingHides: below)
            } else {
                // Compared in the instant of the writes, whatever was read.
                self.commit.checks.append(check)
            }
        }
        for mutation in commit.mutations {
            let key = mutation.key
            guard let state = states[KeyIdentity(key)], let below = state.below else {
                self.sources.append(self.commit.mutations.count)
                self.commit.mutations.append(mutation)
                continue
            }
            self.sources.append(nil)
            self.require(key, state.top == nil ? .absent : .present, nothingHides: below)
            if case .touch(_, let ttl) = mutation, ttl.keepsDeadline { continue }
            // The tombstone first, so that its event is not the last.
            self.commit.mutations.append(below.tombstone(of: key))
            let raised = state.top == nil ? Self.raise(mutation, below.entry, keepsFields: keepsFields) : mutation
            if let raised { self.commit.mutations.append(raised) }
            self.hidings.append(.init(key: key, isRemoval: raised == nil))
        }
    }

    /// Returns for each of the overlay's mutations whether the item was there before.
    func answers(_ found: [Bool]) -> [Bool] {
        self.sources.map { index in index.map { found[$0] } ?? true }
    }

    private mutating func require(_ key: String, _ condition: Commit.Check.Condition, nothingHides: BelowState) {
        self.commit.checks.append(Commit.Check(key, condition))
        self.commit.checks.append(Commit.Check(Tombstone.of(key), .absent))
    }

    /// Returns what makes of a lower layer's item what the mutation would, in a layer that has none; `nil` for a
    /// removal.
    private static func raise(_ mutation: Mutation, _ entry: Entry, keepsFields: Bool) -> Mutation? {
        let deadline = entry.meta.deadline.map { TTL.until($0) } ?? .forever
        let kept = keepsFields && entry.meta.fieldBytes != nil ? FieldChange.replace(entry.meta.fieldBytes) : .keep
        switch mutation {
        case .remove: return nil
        case .touch(let key, let ttl):
            return .set(key: key, value: entry.value, options: WriteOptions(ttl: ttl), fields: kept)
        case .set(let key, let value, let options, let fields):
            let ttl = options.keepsDeadline ? deadline : options.ttl
            return .set(
                key: key, value: value, options: WriteOptions(ttl: ttl), fields: fields == .keep ? kept : fields)
        }
    }
}
