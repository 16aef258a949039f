import KVStorage

/// A connection that reads, and what it reads.
///
/// `@unchecked Sendable`: ``ReaderPool`` lends it to one caller at a time.
final class Reader: @unchecked Sendable {
    private var connection: Connection

    init(_ connection: consuming Connection) {
        self.connection = connection
    }

    func close() {
        self.connection.close()
    }

    func hasItem(_ key: String, _ clock: any StorageClock) throws(StorageError) -> Bool {
        try self.withRow(.hasItem, key) { statement in !Self.isExpired(statement.optionalInteger(0), clock) } ?? false
    }

    func getItem(_ key: String, _ clock: any StorageClock) throws(StorageError) -> [UInt8]? {
        let value: [UInt8]?? = try self.withRow(.getItem, key) { statement in
            Self.isExpired(statement.optionalInteger(0), clock) ? nil : statement.bytes(1)
        }
        return value ?? nil
    }

    func getItems(_ keys: [String], _ clock: any StorageClock) throws(StorageError) -> [[UInt8]?] {
        try self.readAll(keys) { key throws(StorageError) in try self.getItem(key, clock) }
    }

    func getEntries(_ keys: [String], _ clock: any StorageClock) throws(StorageError) -> [Entry?] {
        let now = clock.now
        return try self.readAll(keys) { key throws(StorageError) in
            try self.withRow(.getEntry, key) { row in
                self.meta(row, row.rawBytes(4).count, now).map { Entry(value: row.bytes(4), meta: $0) }
            } ?? nil
        }
    }

    func getMeta(_ key: String, _ clock: any StorageClock) throws(StorageError) -> ItemMeta? {
        let now = clock.now
        return try self.withRow(.getMeta, key) { self.meta($0, Int($0.integer(4)), now) } ?? nil
    }

    /// Returns what the first columns say of an item of that size, `nil` if it has expired.
    private func meta(_ row: Statement, _ size: Int, _ now: Timestamp) -> ItemMeta? {
        let deadline = row.optionalInteger(0).map(Timestamp.init(milliseconds:))
        if let deadline, deadline <= now { return nil }
        return ItemMeta(
            mtime: Timestamp(milliseconds: row.integer(2)),
            birthtime: Timestamp(milliseconds: row.integer(1)),
            deadline: deadline,
            asOf: now,
            size: size,
            fieldBytes: row.optionalBytes(3)
        )
    }

    /// Reads all as of one moment, for which a single one needs no transaction.
    private func readAll<Value>(
        _ keys: [String],
        _ read: (String) throws(StorageError) -> Value?
    ) throws(StorageError) -> [Value?] {
        if keys.count == 1 { return [try read(keys[0])] }
        return try self.inTransaction { () throws(StorageError) in
            var values: [Value?] = []
            values.reserveCapacity(keys.count)
            for key in keys { values.append(try read(key)) }
            return values
        }
    }

    func earliestDeadline() throws(StorageError) -> Timestamp? {
        let statement = try self.connection.statement(.earliestDeadline)
        defer { statement.reset() }
        guard try statement.step() else { return nil }
        return statement.optionalInteger(0).map(Timestamp.init(milliseconds:))
    }

    func inTransaction<Value>(_ body: () throws(StorageError) -> Value) throws(StorageError) -> Value {
        try self.connection.run(.begin)
        do throws(StorageError) {
            let value = try body()
            try self.connection.run(.commit)
            return value
        } catch {
            // Without a transaction, as after some errors, there is nothing to undo.
            try? self.connection.run(.rollback)
            throw error
        }
    }

    /// Calls `body` with the bytes of each key from `start` on and its deadline, until it returns `false` or the keys end
    /// before `end`.
    ///
    /// - Returns: whether the keys came to their end.
    func scan(
        from start: [UInt8],
        to end: [UInt8]?,
        _ body: (UnsafeRawBufferPointer, Int64?) -> Bool
    ) throws(StorageError) -> Bool {
        let statement = try self.connection.statement(end == nil ? .listFrom : .listRange)
        defer { statement.reset() }
        return try start.withBytes { start throws(StorageError) in
            try (end ?? []).withBytes { upperBound throws(StorageError) in
                try statement.bind(1, text: start)
                if end != nil { try statement.bind(2, text: upperBound) }
                while try statement.step() {
                    guard body(statement.rawBytes(0), statement.optionalInteger(1)) else { return false }
                }
                return true
            }
        }
    }

    /// Whether the path no longer leads to the file that the connection has open.
    var hasMoved: Bool { self.connection.hasMoved }

    /// Looks at the clock for items that have a deadline only.
    @inline(__always)
    static func isExpired(_ deadline: Int64?, _ clock: any StorageClock) -> Bool {
        guard let deadline else { return false }
        return clock.now.milliseconds >= deadline
    }

    @inline(__always)
    private func withRow<Row>(
        _ query: Query,
        _ key: String,
        _ read: (Statement) -> Row
    ) throws(StorageError) -> Row? {
        let statement = try self.connection.statement(query)
        defer { statement.reset() }
        return try key.withBytes { key throws(StorageError) in
            try statement.bind(1, text: key)
            return try statement.step() ? read(statement) : nil
        }
    }
}
