import CKVStorageLMDB
import KVStorage

extension Change {
    /// Removes the items below the base; returns how many had not expired.
    mutating func clear(_ base: String) throws(StorageError) -> Int {
        if base.isEmpty, !self.isObserved, try self.holdsItemsOnly() { return try self.clearAll() }
        var removals: [StorageEvent] = []
        let removed = try base.withBytes { base throws(StorageError) in
            try self.transaction.withCursor(on: self.databases.items) { cursor throws(StorageError) in
                var removed = 0
                var next = try cursor.seek(base)
                while let pair = next, pair.key.hasPrefix(base) {
                    guard pair.key.count > base.count, ItemKey.isItem(pair.key) else {
                        next = try cursor.next()
                        continue
                    }
                    let record = try Record(pair.value)
                    let isLive = record.isLive(at: self.now)
                    if isLive { removed += 1 }
                    if self.isObserved, let key = ItemKey.name(pair.key) {
                        removals.append(.remove(key, isLive ? .removed : .expired))
                    }
                    try self.forget(pair.key, record.deadline)
                    try cursor.delete()
                    next = try cursor.next()
                }
                return removed
            }
        }
        for removal in removals { self.note(removal) }
        return removed
    }

    /// Whether no key is another program's.
    private func holdsItemsOnly() throws(StorageError) -> Bool {
        try self.transaction.withCursor(on: self.databases.items) { cursor throws(StorageError) in
            var next = try cursor.first()
            while let pair = next {
                guard ItemKey.isItem(pair.key) else { return false }
                next = try cursor.next()
            }
            return true
        }
    }

    private func clearAll() throws(StorageError) -> Int {
        let count = try self.transaction.count(of: self.databases.items)
        let expired = try self.transaction.withCursor(on: self.databases.deadlines) { cursor throws(StorageError) in
            var expired = 0
            var next = try cursor.first()
            while let pair = next, try DeadlineKey.deadline(pair.key) <= self.now {
                expired += 1
                next = try cursor.next()
            }
            return expired
        }
        try self.transaction.empty(self.databases.items)
        try self.transaction.empty(self.databases.deadlines)
        return count - expired
    }

    mutating func sweep(_ deadline: Timestamp, _ limit: Int) throws(StorageError) -> Int {
        var removed = 0
        while removed < limit, let key = try self.firstKey(expiredBy: deadline) {
            if let name = key.withUnsafeBytes({ ItemKey.name($0) }) { self.note(.remove(name, .expired)) }
            removed += 1
        }
        return removed
    }

    /// Removes the item whose deadline is the earliest, if it has come, and returns its key.
    private func firstKey(expiredBy now: Timestamp) throws(StorageError) -> [UInt8]? {
        try self.transaction.withCursor(on: self.databases.deadlines) { cursor throws(StorageError) in
            while let pair = try cursor.first() {
                let deadline = try DeadlineKey.deadline(pair.key)
                guard deadline <= now else { return nil }
                // Copied before the next write makes the bytes invalid.
                let key = [UInt8](pair.value)
                try cursor.delete()
                let wasThere = try key.withUnsafeBytesTyped { bytes throws(StorageError) in
                    guard try self.record(bytes)?.deadline == deadline else { return false }
                    return try self.transaction.delete(bytes, from: self.databases.items)
                }
                if wasThere { return key }
            }
            return nil
        }
    }
}
