import KVStorage

extension Writer {
    /// Removes the items below the base, and no row that is none; counts what had not expired.
    func clear(_ base: String) throws(StorageError) -> Int {
        let base = Array(base.utf8)
        let end = Key.upperBound(ofBase: base)
        _ = try self.deleteTelling(end == nil ? .sweep : .sweepRange, .expired) {
            statement, finish throws(StorageError) in
            try statement.bind(1, self.now.milliseconds)
            guard let end else {
                try statement.bind(2, Int64.max)
                return try finish()
            }
            try Self.bindRange(statement, from: 2, base, end, finish)
        }
        // SQLite empties a table, or a range, faster where it need not look at each row.
        let looksAtEach = self.events.isObserved ? true : try self.hasForeignRow(base, end)
        let query: Query =
            if looksAtEach {
                end == nil ? .clearAllItems : .clearRangeItems
            } else {
                end == nil ? .clearAll : .clearRange
            }
        return try self.deleteTelling(query, .removed) { statement, finish throws(StorageError) in
            guard let end else { return try finish() }
            try Self.bindRange(statement, from: 1, base, end, finish)
        }
    }

    /// Removes the first so many of the items below the base; how many rows went, and how many of them had not expired.
    func clearFirst(
        _ limit: Int,
        of base: String
    ) throws(StorageError) -> (rows: Int, items: Int) {
        let base = Array(base.utf8)
        let statement = try self.connection.statement(.clearFirstItems)
        defer { statement.reset() }
        try statement.bind(3, Int64(limit))
        var items = 0
        let isObserved = self.events.isObserved
        let finish = { () throws(StorageError) in
            while try statement.step() {
                let isLive = self.isLive(statement.optionalInteger(1))
                if isLive { items += 1 }
                guard isObserved, let key = Key.name(statement.rawBytes(0)) else { continue }
                self.note(.remove(key, isLive ? .removed : .expired))
            }
        }
        if let end = Key.upperBound(ofBase: base) {
            try Self.bindRange(statement, from: 1, base, end, finish)
        } else {
            try base.withBytes { base throws(StorageError) in
                try statement.bind(1, text: base)
                // A blob, which no key is, comes behind every text.
                try statement.bind(2, blob: UnsafeBufferPointer(start: nil, count: 0))
                try finish()
            }
        }
        self.noteUnheard(isObserved, statement.changeCount)
        return (statement.changeCount, items)
    }

    private func hasForeignRow(_ base: [UInt8], _ end: [UInt8]?) throws(StorageError) -> Bool {
        let statement = try self.connection.statement(end == nil ? .foreignRow : .foreignRowInRange)
        defer { statement.reset() }
        guard let end else { return try statement.step() }
        var isThere = false
        try Self.bindRange(statement, from: 1, base, end) { () throws(StorageError) in isThere = try statement.step() }
        return isThere
    }

    func sweep(_ deadline: Timestamp, _ limit: Int) throws(StorageError) -> Int {
        try self.deleteTelling(.sweep, .expired) { statement, finish throws(StorageError) in
            try statement.bind(1, deadline.milliseconds)
            try statement.bind(2, Int64(limit))
            try finish()
        }
    }

    /// Lets `body` change several rows in a savepoint, of which it either changes all or, if it throws, none.
    func asOne<Value>(_ body: (inout Writer) throws(StorageError) -> Value) throws(StorageError) -> Value {
        try self.connection.run(.savepoint)
        do throws(StorageError) {
            var writer = self
            let value = try body(&writer)
            try self.connection.run(.releaseSavepoint)
            return value
        } catch {
            // Without a transaction, as after some errors, there is nothing to undo.
            guard self.connection.isInTransaction else { throw error }
            do throws(StorageError) {
                try self.connection.run(.rollbackToSavepoint)
                try self.connection.run(.releaseSavepoint)
            } catch {
                // What can't be undone by itself takes all of the transaction with it.
                try? self.connection.run(.rollback)
            }
            throw error
        }
    }

    /// Runs a DELETE that may answer with keys, and returns how many rows went.
    ///
    /// `bind` calls its second argument when everything is bound and still in place.
    private func deleteTelling(
        _ query: Query,
        _ cause: StorageEvent.RemovalCause,
        _ bind: (Statement, () throws(StorageError) -> Void) throws(StorageError) -> Void
    ) throws(StorageError) -> Int {
        let statement = try self.connection.statement(query)
        defer { statement.reset() }
        let isObserved = self.events.isObserved
        try bind(statement) { () throws(StorageError) in
            while try statement.step() {
                if isObserved, let key = Key.name(statement.rawBytes(0)) { self.note(.remove(key, cause)) }
            }
        }
        self.noteUnheard(isObserved, statement.changeCount)
        return statement.changeCount
    }

    /// Has somebody who begins to listen before the commit learn that there is something to be read again.
    private func noteUnheard(_ isObserved: Bool, _ removed: Int) {
        if !isObserved, removed > 0 { self.note(.lagged) }
    }

    private static func bindRange(
        _ statement: Statement,
        from index: Int32,
        _ base: [UInt8],
        _ end: [UInt8],
        _ finish: () throws(StorageError) -> Void
    ) throws(StorageError) {
        try base.withBytes { base throws(StorageError) in
            try end.withBytes { end throws(StorageError) in
                try statement.bind(index, text: base)
                try statement.bind(index + 1, text: end)
                try finish()
            }
        }
    }
}
