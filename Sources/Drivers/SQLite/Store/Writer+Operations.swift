import KVStorage

extension Writer {
    /// Carries out one operation in the open transaction; one that fails leaves the transaction as it was.
    func run(_ operation: WriteOperation) throws(StorageError) -> WriteOperation.Answer {
        switch operation {
        case .set(let key, let value, let options):
            WriteOperation.Answer(deadline: try self.set(key, value, options))
        case .remove(let key):
            WriteOperation.Answer(found: try self.remove(key))
        case .compareAndSwap(let key, let expected, let replacement, let options):
            try self.compareAndSwap(key, expected, replacement, options)
        case .touch(let key, let ttl):
            try self.touch(key, ttl)
        case .take(let key):
            WriteOperation.Answer(bytes: try self.delete(.takeItem, key) { $0.bytes(1) })
        case .increment(let key, let amount, let options):
            try self.increment(key, amount, options)
        case .setMeta(let key, let fields):
            try self.setMeta(key, fields)
        case .apply(let mutations):
            try self.apply(mutations)
        case .commit(let commit):
            try self.commit(commit)
        case .clear(let base):
            try self.inSavepoint { () throws(StorageError) in try self.clear(base) }
        case .sweep(let deadline, let limit):
            // The clock may have been turned back since: what was written after that has not expired.
            try self.sweep(min(deadline, self.now), limit)
        }
    }

    // MARK: - One item

    /// Stores value, deadline and metadata by one statement, and returns the deadline.
    func set(
        _ key: String,
        _ value: [UInt8],
        _ options: WriteOptions,
        _ fields: FieldChange = .keep
    ) throws(StorageError) -> Timestamp? {
        let statement = try self.connection.statement(Query.set(options, fields))
        let deadline = options.deadline(at: self.now)
        try key.withBytes { keyBytes throws(StorageError) in
            try value.withBytes { valueBytes throws(StorageError) in
                defer { statement.reset() }
                try statement.bind(1, text: keyBytes)
                try statement.bind(2, blob: valueBytes)
                try statement.bind(3, deadline?.milliseconds)
                try statement.bind(4, self.now.milliseconds)
                switch fields {
                case .keep: while try statement.step() {}
                case .replace(nil):
                    try statement.bindNull(5)
                    while try statement.step() {}
                case .replace(let fieldBytes?):
                    try fieldBytes.withBytes { fieldBytes throws(StorageError) in
                        try statement.bind(5, blob: fieldBytes)
                        while try statement.step() {}
                    }
                }
            }
        }
        self.note(.update(key))
        return deadline
    }

    /// Removes the item and returns whether it was there.
    func remove(_ key: String) throws(StorageError) -> Bool {
        try self.delete(.removeItem, key) { _ in true } ?? false
    }

    /// Removes the item and returns what `read` makes of it, `nil` if it was absent or had expired.
    private func delete<Value>(
        _ query: Query,
        _ key: String,
        _ read: (Statement) -> Value
    ) throws(StorageError) -> Value? {
        let statement = try self.connection.statement(query)
        let (wasThere, value): (Bool, Value?) = try key.withBytes { key throws(StorageError) in
            defer { statement.reset() }
            try statement.bind(1, text: key)
            guard try statement.step() else { return (false, nil) }
            let value = self.isLive(statement.optionalInteger(0)) ? read(statement) : nil
            while try statement.step() {}
            return (true, value)
        }
        // For an expired item this is the event that the sweep would have told of.
        if wasThere { self.note(.remove(key, value == nil ? .expired : .removed)) }
        return value
    }

    /// Returns whether the item is there, without reading its value.
    func hasItem(_ key: String) throws(StorageError) -> Bool {
        try self.withItem(key, .hasItem) { _ in true } ?? false
    }

    private func current(_ key: String) throws(StorageError) -> [UInt8]? {
        try self.withItem(key, .getItem) { $0.bytes(1) }
    }

    /// Calls the body with the row of an item that is there.
    private func withItem<Value>(
        _ key: String,
        _ query: Query,
        _ body: (Statement) -> Value
    ) throws(StorageError) -> Value? {
        let statement = try self.connection.statement(query)
        return try key.withBytes { key throws(StorageError) in
            defer { statement.reset() }
            try statement.bind(1, text: key)
            guard try statement.step(), self.isLive(statement.optionalInteger(0)) else { return nil }
            return body(statement)
        }
    }

    /// Compares the value where SQLite has it; one that only has to be there, or absent, is not read.
    func check(_ check: Commit.Check) throws(StorageError) -> CheckResult {
        switch check.condition {
        case .present:
            return try self.hasItem(check.key) ? .holds(isThere: true) : .fails(current: nil)
        case .absent:
            guard try self.hasItem(check.key) else { return .holds(isThere: false) }
            return .fails(current: try self.current(check.key))
        case .bytes(let expected):
            let result = try self.withItem(check.key, .getItem) { row in
                row.holds(expected, in: 1) ? CheckResult.holds(isThere: true) : .fails(current: row.bytes(1))
            }
            return result ?? .fails(current: nil)
        }
    }

    private func compareAndSwap(
        _ key: String,
        _ expected: [UInt8]?,
        _ replacement: [UInt8]?,
        _ options: WriteOptions
    ) throws(StorageError) -> WriteOperation.Answer {
        let check = Commit.Check(key, expected.map { .bytes($0) } ?? .absent)
        if case .fails(let current) = try self.check(check) {
            return WriteOperation.Answer(found: false, bytes: current)
        }
        if let replacement { return WriteOperation.Answer(deadline: try self.set(key, replacement, options)) }
        if expected != nil { _ = try self.remove(key) }
        return WriteOperation.Answer()
    }

    private func increment(
        _ key: String,
        _ amount: Int,
        _ options: WriteOptions
    ) throws(StorageError) -> WriteOperation.Answer {
        let (sum, bytes) = try StoredInteger.increment(try self.current(key), by: amount, key: key)
        return WriteOperation.Answer(number: sum, deadline: try self.set(key, bytes, options))
    }

    func touch(_ key: String, _ ttl: TTL) throws(StorageError) -> WriteOperation.Answer {
        let deadline = ttl.deadline(at: self.now)
        let found = try self.update(.touchItem, key) { statement throws(StorageError) in
            try statement.bind(2, deadline?.milliseconds)
        }
        return WriteOperation.Answer(found: found, deadline: found ? deadline : nil)
    }

    private func setMeta(_ key: String, _ fields: [UInt8]?) throws(StorageError) -> WriteOperation.Answer {
        let found = try (fields ?? []).withBytes { bytes throws(StorageError) in
            try self.update(.setMeta, key) { statement throws(StorageError) in
                if fields == nil { try statement.bindNull(2) } else { try statement.bind(2, blob: bytes) }
            }
        }
        return WriteOperation.Answer(found: found)
    }

    /// Changes a column of a live item and returns whether there was one.
    private func update(
        _ query: Query,
        _ key: String,
        _ bindColumn: (Statement) throws(StorageError) -> Void
    ) throws(StorageError) -> Bool {
        let statement = try self.connection.statement(query)
        try key.withBytes { key throws(StorageError) in
            defer { statement.reset() }
            try statement.bind(1, text: key)
            try bindColumn(statement)
            try statement.bind(3, self.now.milliseconds)
            while try statement.step() {}
        }
        guard statement.changeCount > 0 else { return false }
        self.note(.update(key))
        return true
    }

    func isLive(_ deadline: Int64?) -> Bool {
        deadline.map { self.now.milliseconds < $0 } ?? true
    }
}
