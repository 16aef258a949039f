import KVStorage

/// What a store holds by the contract, for tests that do the same to both.
struct ItemModel {
    struct Item: Equatable {
        var value: [UInt8]
        var deadline: Timestamp?
        var fields: [UInt8]?
        var created: Timestamp
        var modified: Timestamp
    }

    var now: Timestamp {
        didSet { self.dropExpired() }
    }
    private(set) var items: [String: Item] = [:]

    init(now: Timestamp) {
        self.now = now
    }

    func value(_ key: String) -> [UInt8]? { self.items[key]?.value }

    func entry(_ key: String) -> Entry? {
        self.items[key].map { item in
            let meta = ItemMeta(
                mtime: item.modified,
                birthtime: item.created,
                deadline: item.deadline,
                asOf: self.now,
                size: item.value.count,
                fieldBytes: item.fields
            )
            return Entry(value: item.value, meta: meta)
        }
    }

    /// Carries out the mutation and returns whether the item was there before.
    mutating func write(_ mutation: Mutation) -> Bool {
        defer { self.dropExpired() }
        let old = self.items[mutation.key]
        switch mutation {
        case .set(let key, let value, let options, let fields):
            var item = Item(value: value, created: self.now, modified: self.now)
            item.deadline = options.deadline(at: self.now)
            if let old {
                item.created = old.created
                item.fields = old.fields
                if options.keepsDeadline { item.deadline = old.deadline }
            }
            if case .replace(let bytes) = fields { item.fields = bytes }
            self.items[key] = item
        case .remove(let key): self.items[key] = nil
        case .touch(let key, let ttl):
            if !ttl.keepsDeadline { self.items[key]?.deadline = ttl.deadline(at: self.now) }
        }
        return old != nil
    }

    /// Replaces the metadata and returns whether the item was there.
    mutating func setMeta(_ key: String, _ fields: [UInt8]?) -> Bool {
        self.items[key]?.fields = fields
        return self.items[key] != nil
    }

    mutating func apply(_ mutations: [Mutation]) -> [Bool] {
        mutations.map { mutation in
            let found = self.write(mutation)
            if case .set = mutation { return true }
            return found
        }
    }

    mutating func commit(_ commit: Commit) -> CommitOutcome {
        for (index, check) in commit.checks.enumerated() {
            let current = self.value(check.key)
            guard check.condition.holds(for: current) else { return .mismatch(index: index, current: current) }
        }
        return .committed(found: commit.mutations.map { self.write($0) })
    }

    private mutating func dropExpired() {
        self.items = self.items.filter { $0.value.deadline.map { $0 > self.now } ?? true }
    }
}
