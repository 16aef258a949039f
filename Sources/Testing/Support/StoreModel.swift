import KVStorage

/// What a store holds by the promises alone: the simplest thing that keeps them, to compare with.
struct StoreModel {
    struct Item: Equatable {
        var value: [UInt8]
        var deadline: Timestamp?
        var fields: [UInt8]?
    }

    private(set) var items: [String: Item] = [:]
    var now: Timestamp

    /// Forgets what has expired.
    mutating func advance(to now: Timestamp) {
        self.now = now
        self.items = self.items.filter { $0.value.deadline.map { $0 > now } ?? true }
    }

    mutating func set(_ key: String, _ value: [UInt8], ttl: TTL) {
        let old = self.items[key]
        let deadline = ttl.keepsDeadline && old != nil ? old?.deadline : ttl.deadline(at: self.now)
        self.items[key] = Item(value: value, deadline: deadline, fields: old?.fields)
    }

    mutating func remove(_ key: String) -> Item? {
        self.items.removeValue(forKey: key)
    }

    mutating func touch(_ key: String, ttl: TTL) -> Bool {
        guard self.items[key] != nil else { return false }
        if !ttl.keepsDeadline { self.items[key]?.deadline = ttl.deadline(at: self.now) }
        return true
    }

    mutating func setFields(_ key: String, _ fields: [UInt8]?) -> Bool {
        guard self.items[key] != nil else { return false }
        self.items[key]?.fields = fields
        return true
    }

    func keys(_ base: String, maxDepth: Int? = nil) -> [String] {
        self.items.keys.filter { key in
            (base.isEmpty || keyHasPrefix(key, "\(base):")) && (maxDepth.map { keyDepth(key) <= $0 } ?? true)
        }
    }
}
