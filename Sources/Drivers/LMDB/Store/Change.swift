import CKVStorageLMDB
import KVStorage

/// One operation at work in a write transaction; if it throws, the transaction has to be undone.
struct Change: WriteTransaction {
    let transaction: Transaction
    let databases: Databases
    let now: Timestamp
    /// What it has changed; nothing is noted while nobody listens.
    private(set) var events: [StorageEvent] = []
    let isObserved: Bool

    init(_ transaction: Transaction, _ databases: Databases, at now: Timestamp, isObserved: Bool) {
        self.transaction = transaction
        self.databases = databases
        self.now = now
        self.isObserved = isObserved
    }

    mutating func note(_ event: @autoclosure () -> StorageEvent) {
        if self.isObserved { self.events.append(event()) }
    }

    // MARK: - Records

    /// Returns the record, of an expired item, too.
    func record(_ key: UnsafeRawBufferPointer) throws(StorageError) -> Record? {
        guard let bytes = try self.transaction.get(key, from: self.databases.items) else { return nil }
        return try Record(bytes)
    }

    func liveRecord(_ key: UnsafeRawBufferPointer) throws(StorageError) -> Record? {
        guard let record = try self.record(key), record.isLive(at: self.now) else { return nil }
        return record
    }

    private func write(
        _ key: UnsafeRawBufferPointer,
        _ value: [UInt8],
        _ header: Record.Header,
        replacing oldDeadline: Timestamp?
    ) throws(StorageError) {
        let byteCount = header.byteCount(with: value)
        guard byteCount <= LMDBDriver.maximumRecordBytes else {
            throw StorageError(.tooLarge, "value and metadata together are larger than LMDB takes; make one smaller")
        }
        if oldDeadline != header.deadline {
            try self.forget(key, oldDeadline)
            if let deadline = header.deadline {
                try DeadlineKey.withBytes(of: deadline) { bytes throws(StorageError) in
                    try self.transaction.add(bytes, key, to: self.databases.deadlines)
                }
            }
        }
        try self.transaction.put(key, into: self.databases.items, byteCount: byteCount) { buffer in
            header.write(value, to: buffer)
        }
    }

    /// Takes the key out of the list of deadlines.
    func forget(_ key: UnsafeRawBufferPointer, _ deadline: Timestamp?) throws(StorageError) {
        guard let deadline else { return }
        try DeadlineKey.withBytes(of: deadline) { bytes throws(StorageError) in
            try self.transaction.delete(bytes, key, from: self.databases.deadlines)
        }
    }

    // MARK: - One item

    /// Writes value, deadline and metadata as one record. Whether the item was there is known in any case, as its record is
    /// read for what it keeps.
    mutating func set(
        _ key: String,
        _ value: [UInt8],
        _ options: WriteOptions,
        _ fields: FieldChange,
        looks: Bool
    ) throws(StorageError) -> WriteOperation.Answer {
        let answer = try key.withBytes { bytes throws(StorageError) in
            let old = try self.record(bytes)
            // What expired is gone, whether it was swept or not: then this is a new item.
            let live = old.flatMap { $0.isLive(at: self.now) ? $0 : nil }
            var header = Record.Header(
                created: self.now, modified: self.now, deadline: options.deadline(at: self.now))
            if let live {
                header.created = Timestamp(milliseconds: live.created)
                header.fields = live.fields
                if options.keepsDeadline { header.deadline = live.deadline }
            }
            if case .replace(let bytes) = fields { header.fields = bytes }
            let wasThere = live != nil
            try self.write(bytes, value, header, replacing: old?.deadline)
            return WriteOperation.Answer(found: wasThere, deadline: header.deadline)
        }
        self.note(.update(key))
        return answer
    }

    /// Removes the item and returns whether it was there.
    mutating func remove(_ key: String) throws(StorageError) -> Bool {
        try self.remove(key) { _ in true } ?? false
    }

    /// Removes the item and returns its bytes.
    mutating func take(_ key: String) throws(StorageError) -> [UInt8]? {
        try self.remove(key) { $0.bytes }
    }

    /// Removes the item and returns what `read` makes of it, `nil` if it was absent or had expired.
    private mutating func remove<Value>(
        _ key: String,
        _ read: (Record) -> Value
    ) throws(StorageError) -> Value? {
        let (wasThere, value): (Bool, Value?) = try key.withBytes { bytes throws(StorageError) in
            guard let record = try self.record(bytes) else { return (false, nil) }
            let value = record.isLive(at: self.now) ? read(record) : nil
            try self.forget(bytes, record.deadline)
            try self.transaction.delete(bytes, from: self.databases.items)
            return (true, value)
        }
        // For an expired item this is the event that the sweep would have told of.
        if wasThere { self.note(.remove(key, value == nil ? .expired : .removed)) }
        return value
    }

    /// Compares the value where it lies in the map.
    func check(_ check: Commit.Check) throws(StorageError) -> CheckResult {
        try check.key.withBytes { key throws(StorageError) in
            let live = try self.liveRecord(key)
            let holds =
                switch check.condition {
                case .absent: live == nil
                case .present: live != nil
                case .bytes(let expected): live?.hasValue(expected) ?? false
                }
            return holds ? .holds(isThere: live != nil) : .fails(current: live?.bytes)
        }
    }

    /// Writes the other deadline, and returns whether the item was there.
    mutating func touch(_ key: String, _ deadline: Timestamp?) throws(StorageError) -> Bool {
        try self.rewrite(key) { $0.deadline = deadline }
    }

    /// Keeps the metadata in front of the value, and returns whether the item was there.
    mutating func setMeta(_ key: String, _ fields: [UInt8]?) throws(StorageError) -> Bool {
        try self.rewrite(key) { $0.fields = fields }
    }

    /// Returns whether the item is there.
    func hasItem(_ key: String) throws(StorageError) -> Bool {
        try key.withBytes { key throws(StorageError) in try self.liveRecord(key) != nil }
    }

    /// Returns the item's bytes.
    func bytes(of key: String) throws(StorageError) -> [UInt8]? {
        try key.withBytes { key throws(StorageError) in try self.liveRecord(key)?.bytes }
    }

    /// Changes what stands in front of a live item's value and returns whether there was one.
    private mutating func rewrite(
        _ key: String,
        _ change: (inout Record.Header) -> Void
    ) throws(StorageError) -> Bool {
        let found = try key.withBytes { bytes throws(StorageError) in
            guard let live = try self.liveRecord(bytes) else { return false }
            var header = Record.Header(
                created: Timestamp(milliseconds: live.created),
                modified: Timestamp(milliseconds: live.modified),
                deadline: live.deadline,
                fields: live.fields
            )
            change(&header)
            // Copied before the next write makes the bytes invalid.
            try self.write(bytes, live.bytes, header, replacing: live.deadline)
            return true
        }
        if found { self.note(.update(key)) }
        return found
    }
}

extension Record {
    /// Returns whether the value is these bytes.
    fileprivate func hasValue(_ expected: [UInt8]) -> Bool {
        let value = self.value
        return value.count == expected.count && expected.withUnsafeBytes { compareBytes(value, $0) == 0 }
    }
}
