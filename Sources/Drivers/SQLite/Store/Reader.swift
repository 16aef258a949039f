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
        try self.inTransaction { () throws(StorageError) in
            var values: [[UInt8]?] = []
            values.reserveCapacity(keys.count)
            for key in keys { values.append(try self.getItem(key, clock)) }
            return values
        }
    }

    func getMeta(_ key: String, _ clock: any StorageClock) throws(StorageError) -> ItemMeta? {
        let meta: ItemMeta?? = try self.withRow(.getMeta, key) { statement in
            var meta = ItemMeta(
                mtime: Timestamp(milliseconds: statement.integer(2)),
                birthtime: Timestamp(milliseconds: statement.integer(1)),
                size: Int(statement.integer(4)),
                fieldBytes: statement.optionalBytes(3)
            )
            if let deadline = statement.optionalInteger(0) {
                let remaining = clock.now.duration(to: Timestamp(milliseconds: deadline))
                guard remaining > .zero else { return nil }
                meta.ttl = remaining
            }
            return meta
        }
        return meta ?? nil
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
        return try start.withUnsafeBufferPointer { start throws(StorageError) in
            try (end ?? []).withUnsafeBufferPointer { upperBound throws(StorageError) in
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
