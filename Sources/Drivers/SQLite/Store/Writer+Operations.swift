import KVStorage

/// A class, so that what `mutating` asks for is changed in place.
extension Writer: WriteTransaction {
    /// Stores value, deadline and metadata by one statement.
    func set(
        _ key: String,
        _ value: [UInt8],
        _ options: WriteOptions,
        _ fields: FieldChange,
        looks: Bool
    ) throws(StorageError) -> WriteOperation.Answer {
        // The statement can't say it: RETURNING sees the row as it is afterwards.
        let found = looks ? try self.hasItem(key) : true
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
        return WriteOperation.Answer(found: found, deadline: deadline)
    }

    /// Removes the item and returns whether it was there.
    func remove(_ key: String) throws(StorageError) -> Bool {
        try self.delete(.removeItem, key) { _ in true } ?? false
    }

    /// Removes the item and returns its bytes.
    func take(_ key: String) throws(StorageError) -> [UInt8]? {
        try self.delete(.takeItem, key) { $0.bytes(1) }
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

    /// Returns the item's bytes.
    func bytes(of key: String) throws(StorageError) -> [UInt8]? {
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
            return .fails(current: try self.bytes(of: check.key))
        case .bytes(let expected):
            let result = try self.withItem(check.key, .getItem) { row in
                row.holds(expected, in: 1) ? CheckResult.holds(isThere: true) : .fails(current: row.bytes(1))
            }
            return result ?? .fails(current: nil)
        }
    }

    /// Writes the other deadline, and returns whether the item was there.
    func touch(_ key: String, _ deadline: Timestamp?) throws(StorageError) -> Bool {
        try self.update(.touchItem, key) { statement throws(StorageError) in
            try statement.bind(2, deadline?.milliseconds)
        }
    }

    /// Keeps the metadata beside the value, and returns whether the item was there.
    func setMeta(_ key: String, _ fields: [UInt8]?) throws(StorageError) -> Bool {
        try (fields ?? []).withBytes { bytes throws(StorageError) in
            try self.update(.setMeta, key) { statement throws(StorageError) in
                if fields == nil { try statement.bindNull(2) } else { try statement.bind(2, blob: bytes) }
            }
        }
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
