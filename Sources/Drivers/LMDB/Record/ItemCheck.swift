import CKVStorageLMDB
import KVStorage

/// What reading a driver's items, some at a time, has found so far.
struct ItemCheck {
    private static let maximumProblems = 100

    private(set) var verification = StoreVerification(itemCount: 0)
    /// The key that was read last.
    var position: [UInt8]?

    mutating func take(
        _ pair: Cursor.Pair,
        _ databases: Databases,
        _ transaction: Transaction
    ) throws(StorageError) {
        guard let key = ItemKey.name(pair.key) else {
            let hexadecimal = ItemKey.cursor(after: pair.key).dropFirst()
            self.add("the key with the bytes \(hexadecimal) is no item's: another program's, or damaged; remove it")
            return
        }
        let record: Record
        do throws(StorageError) {
            record = try Record(pair.value)
        } catch {
            self.add("the item \"\(key)\" can't be read: \(error.message)")
            return
        }
        self.verification.itemCount += 1
        guard let deadline = record.deadline else { return }
        let isListed = try DeadlineKey.withBytes(of: deadline) { bytes throws(StorageError) in
            try transaction.withCursor(on: databases.deadlines) { cursor throws(StorageError) in
                try cursor.holds(bytes, pair.key)
            }
        }
        if !isListed { self.add("the item \"\(key)\" would not be removed at its deadline; set or touch it") }
    }

    private mutating func add(_ problem: String) {
        if self.verification.problems.count < Self.maximumProblems { self.verification.problems.append(problem) }
    }
}

extension Store {
    /// Reads the next items and returns whether there are more.
    func verifyItems(_ check: inout ItemCheck) async throws(StorageError) -> Bool {
        let reading = try await self.beginReading()
        defer { self.endReading(reading) }
        let (transaction, databases) = (reading.transaction, self.databases)
        var current = check
        defer { check = current }
        return try transaction.withCursor(on: databases.items) { cursor throws(StorageError) in
            var next: Cursor.Pair?
            if let position = current.position {
                next = try position.withUnsafeBytesTyped { position throws(StorageError) in
                    try cursor.next(after: position)
                }
            } else {
                next = try cursor.first()
            }
            var count = 0
            while let pair = next {
                guard count < 1000 else { return true }
                count += 1
                current.position = [UInt8](pair.key)
                try current.take(pair, databases, transaction)
                next = try cursor.next()
            }
            return false
        }
    }
}
