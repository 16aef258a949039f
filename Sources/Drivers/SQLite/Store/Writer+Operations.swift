import KVStorage

extension Writer {
    /// Carries out one operation in the open transaction; one that fails leaves the transaction as it was.
    func run(_ operation: WriteOperation, at now: Timestamp) throws(StorageError) -> WriteOperation.Answer {
        switch operation {
        case .set(let key, let value, let options):
            try self.set(key, value, options, at: now)
        case .remove(let key):
            WriteOperation.Answer(found: try self.delete(.removeItem, key, at: now, { _ in true }) ?? false)
        case .compareAndSwap(let key, let expected, let replacement, let options):
            try self.compareAndSwap(key, expected, replacement, options, at: now)
        case .touch(let key, let ttl):
            try self.touch(key, ttl, at: now)
        case .take(let key):
            WriteOperation.Answer(bytes: try self.delete(.takeItem, key, at: now) { $0.bytes(1) })
        case .increment(let key, let amount, let options):
            try self.increment(key, amount, options, at: now)
        case .setMeta(let key, let fields):
            try self.setMeta(key, fields, at: now)
        case .apply(let mutations):
            try self.inSavepoint { () throws(StorageError) in try self.apply(mutations, at: now) }
        case .clear(let base):
            try self.inSavepoint { () throws(StorageError) in try self.clear(base, at: now) }
        case .sweep(let deadline, let limit):
            // The clock may have been turned back since: what was written after that has not expired.
            try self.sweep(min(deadline, now), limit)
        }
    }

    // MARK: - One item

    private func set(
        _ key: String,
        _ value: [UInt8],
        _ options: WriteOptions,
        at now: Timestamp
    ) throws(StorageError) -> WriteOperation.Answer {
        let statement = try self.connection.statement(options.keepTTL ? .setItemKeepingDeadline : .setItem)
        let deadline = options.deadline(at: now)
        try key.withBytes { keyBytes throws(StorageError) in
            try value.withUnsafeBufferPointer { valueBytes throws(StorageError) in
                defer { statement.reset() }
                try statement.bind(1, text: keyBytes)
                try statement.bind(2, blob: valueBytes)
                try statement.bind(3, deadline?.milliseconds)
                try statement.bind(4, now.milliseconds)
                while try statement.step() {}
            }
        }
        self.changes.append(.update(key))
        return WriteOperation.Answer(deadline: deadline)
    }

    /// Removes the item and returns what `read` makes of it, `nil` if it was absent or had expired.
    private func delete<Value>(
        _ query: Query,
        _ key: String,
        at now: Timestamp,
        _ read: (Statement) -> Value
    ) throws(StorageError) -> Value? {
        let statement = try self.connection.statement(query)
        let (wasThere, value): (Bool, Value?) = try key.withBytes { key throws(StorageError) in
            defer { statement.reset() }
            try statement.bind(1, text: key)
            guard try statement.step() else { return (false, nil) }
            let value = Self.isLive(statement.optionalInteger(0), at: now) ? read(statement) : nil
            while try statement.step() {}
            return (true, value)
        }
        // For an expired item this is the event that the sweep would have told of.
        if wasThere { self.changes.append(.remove(key)) }
        return value
    }

    private func current(_ key: String, at now: Timestamp) throws(StorageError) -> [UInt8]? {
        let statement = try self.connection.statement(.getItem)
        return try key.withBytes { key throws(StorageError) in
            defer { statement.reset() }
            try statement.bind(1, text: key)
            guard try statement.step(), Self.isLive(statement.optionalInteger(0), at: now) else { return nil }
            return statement.bytes(1)
        }
    }

    private func compareAndSwap(
        _ key: String,
        _ expected: [UInt8]?,
        _ replacement: [UInt8]?,
        _ options: WriteOptions,
        at now: Timestamp
    ) throws(StorageError) -> WriteOperation.Answer {
        let current = try self.current(key, at: now)
        guard current == expected else { return WriteOperation.Answer(found: false, bytes: current) }
        if let replacement { return try self.set(key, replacement, options, at: now) }
        if current != nil { _ = try self.delete(.removeItem, key, at: now) { _ in true } }
        return WriteOperation.Answer()
    }

    private func increment(
        _ key: String,
        _ amount: Int,
        _ options: WriteOptions,
        at now: Timestamp
    ) throws(StorageError) -> WriteOperation.Answer {
        let (sum, bytes) = try StoredInteger.increment(try self.current(key, at: now), by: amount, key: key)
        var answer = try self.set(key, bytes, options, at: now)
        answer.number = sum
        return answer
    }

    private func touch(
        _ key: String,
        _ ttl: Duration?,
        at now: Timestamp
    ) throws(StorageError) -> WriteOperation.Answer {
        let deadline = ttl.map { now.advanced(by: $0) }
        let found = try self.update(.touchItem, key, at: now) { statement throws(StorageError) in
            try statement.bind(2, deadline?.milliseconds)
        }
        return WriteOperation.Answer(found: found, deadline: found ? deadline : nil)
    }

    private func setMeta(
        _ key: String,
        _ fields: [UInt8]?,
        at now: Timestamp
    ) throws(StorageError) -> WriteOperation.Answer {
        let found = try (fields ?? []).withUnsafeBufferPointer { bytes throws(StorageError) in
            try self.update(.setMeta, key, at: now) { statement throws(StorageError) in
                if fields == nil { try statement.bindNull(2) } else { try statement.bind(2, blob: bytes) }
            }
        }
        return WriteOperation.Answer(found: found)
    }

    /// Changes a column of a live item and returns whether there was one.
    private func update(
        _ query: Query,
        _ key: String,
        at now: Timestamp,
        _ bindColumn: (Statement) throws(StorageError) -> Void
    ) throws(StorageError) -> Bool {
        let statement = try self.connection.statement(query)
        try key.withBytes { key throws(StorageError) in
            defer { statement.reset() }
            try statement.bind(1, text: key)
            try bindColumn(statement)
            try statement.bind(3, now.milliseconds)
            while try statement.step() {}
        }
        guard statement.changeCount > 0 else { return false }
        self.changes.append(.update(key))
        return true
    }

    static func isLive(_ deadline: Int64?, at now: Timestamp) -> Bool {
        deadline.map { now.milliseconds < $0 } ?? true
    }
}
