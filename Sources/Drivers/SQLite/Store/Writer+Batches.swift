import KVStorage

extension Writer {
    func apply(_ mutations: [Mutation], at now: Timestamp) throws(StorageError) -> WriteOperation.Answer {
        var total = WriteOperation.Answer()
        for mutation in mutations {
            let operation: WriteOperation =
                switch mutation {
                case .set(let key, let value, let options): .set(key: key, value: value, options: options)
                case .remove(let key): .remove(key: key)
                }
            let answer = try self.run(operation, at: now)
            if case .remove = mutation, answer.found { total.number += 1 }
            if let deadline = answer.deadline { total.deadline = min(deadline, total.deadline ?? deadline) }
        }
        return total
    }

    /// Removes the items below the base, and no row that is none; counts what had not expired.
    func clear(_ base: String, at now: Timestamp) throws(StorageError) -> WriteOperation.Answer {
        let base = Array(base.utf8)
        let end = Key.upperBound(ofBase: base)
        _ = try self.deleteTelling(end == nil ? .sweep : .sweepRange) { statement, finish throws(StorageError) in
            try statement.bind(1, now.milliseconds)
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
        let removed = try self.deleteTelling(query) { statement, finish throws(StorageError) in
            guard let end else { return try finish() }
            try Self.bindRange(statement, from: 1, base, end, finish)
        }
        return WriteOperation.Answer(number: removed)
    }

    /// Removes the first so many of the items below the base; how many rows went, and how many of them had not expired.
    func clearFirst(
        _ limit: Int,
        of base: String,
        at now: Timestamp
    ) throws(StorageError) -> (rows: Int, items: Int) {
        let base = Array(base.utf8)
        let statement = try self.connection.statement(.clearFirstItems)
        defer { statement.reset() }
        try statement.bind(3, Int64(limit))
        var items = 0
        let finish = { () throws(StorageError) in
            while try statement.step() {
                if Self.isLive(statement.optionalInteger(1), at: now) { items += 1 }
                guard self.events.isObserved, let key = Key.name(statement.rawBytes(0)) else { continue }
                self.changes.append(.remove(key))
            }
        }
        if let end = Key.upperBound(ofBase: base) {
            try Self.bindRange(statement, from: 1, base, end, finish)
        } else {
            try base.withUnsafeBufferPointer { base throws(StorageError) in
                try statement.bind(1, text: base)
                // A blob, which no key is, comes behind every text.
                try statement.bind(2, blob: UnsafeBufferPointer(start: nil, count: 0))
                try finish()
            }
        }
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

    func sweep(_ deadline: Timestamp, _ limit: Int) throws(StorageError) -> WriteOperation.Answer {
        let removed = try self.deleteTelling(.sweep) { statement, finish throws(StorageError) in
            try statement.bind(1, deadline.milliseconds)
            try statement.bind(2, Int64(limit))
            try finish()
        }
        return WriteOperation.Answer(number: removed)
    }

    /// Lets `body` change several rows, of which it either changes all or, if it throws, none.
    func inSavepoint<Value>(_ body: () throws(StorageError) -> Value) throws(StorageError) -> Value {
        try self.connection.run(.savepoint)
        do throws(StorageError) {
            let value = try body()
            try self.connection.run(.releaseSavepoint)
            return value
        } catch {
            // Without a transaction, as after some errors, there is nothing to undo.
            if self.connection.isInTransaction {
                try self.connection.run(.rollbackToSavepoint)
                try self.connection.run(.releaseSavepoint)
            }
            throw error
        }
    }

    /// Runs a DELETE that may answer with keys, and returns how many rows went.
    ///
    /// `bind` calls its second argument when everything is bound and still in place.
    private func deleteTelling(
        _ query: Query,
        _ bind: (Statement, () throws(StorageError) -> Void) throws(StorageError) -> Void
    ) throws(StorageError) -> Int {
        let statement = try self.connection.statement(query)
        defer { statement.reset() }
        try bind(statement) { () throws(StorageError) in
            while try statement.step() {
                guard self.events.isObserved, let key = Key.name(statement.rawBytes(0)) else { continue }
                self.changes.append(.remove(key))
            }
        }
        return statement.changeCount
    }

    private static func bindRange(
        _ statement: Statement,
        from index: Int32,
        _ base: [UInt8],
        _ end: [UInt8],
        _ finish: () throws(StorageError) -> Void
    ) throws(StorageError) {
        try base.withUnsafeBufferPointer { base throws(StorageError) in
            try end.withUnsafeBufferPointer { end throws(StorageError) in
                try statement.bind(index, text: base)
                try statement.bind(index + 1, text: end)
                try finish()
            }
        }
    }
}
