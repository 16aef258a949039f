import CKVStorageLMDB
import KVStorage

/// One operation at work in a write transaction.
struct Change {
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

    mutating func run(_ operation: WriteOperation) throws(StorageError) -> WriteOperation.Answer {
        switch operation {
        case .set(let key, let value, let options):
            try self.set(key, value, options)
        case .remove(let key):
            WriteOperation.Answer(found: try self.remove(key) { _ in true } ?? false)
        case .compareAndSwap(let key, let expected, let replacement, let options):
            try self.compareAndSwap(key, expected, replacement, options)
        case .touch(let key, let ttl):
            try self.touch(key, ttl)
        case .take(let key):
            WriteOperation.Answer(bytes: try self.remove(key) { $0.bytes })
        case .increment(let key, let amount, let options):
            try self.increment(key, amount, options)
        case .setMeta(let key, let fields):
            try self.setMeta(key, fields)
        case .apply(let mutations):
            try self.apply(mutations)
        case .commit(let commit):
            try self.commit(commit)
        case .clear(let base):
            WriteOperation.Answer(number: try self.clear(base))
        case .sweep(let deadline, let limit):
            // The clock may have been turned back since.
            WriteOperation.Answer(number: try self.sweep(min(deadline, self.now), limit))
        }
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

    /// Writes value, deadline and metadata as one record, and answers whether the item was there.
    mutating func set(
        _ key: String,
        _ value: [UInt8],
        _ options: WriteOptions,
        _ fields: FieldChange = .keep
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

    /// Removes the item and returns what `read` makes of it, `nil` if it was absent or had expired.
    mutating func remove<Value>(
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

    private mutating func compareAndSwap(
        _ key: String,
        _ expected: [UInt8]?,
        _ replacement: [UInt8]?,
        _ options: WriteOptions
    ) throws(StorageError) -> WriteOperation.Answer {
        let check = Commit.Check(key, expected.map { .bytes($0) } ?? .absent)
        if case .fails(let current) = try self.check(check) {
            return WriteOperation.Answer(found: false, bytes: current)
        }
        guard let replacement else {
            if expected != nil { _ = try self.remove(key) { _ in true } }
            return WriteOperation.Answer()
        }
        var answer = try self.set(key, replacement, options)
        answer.found = true
        return answer
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

    private mutating func increment(
        _ key: String,
        _ amount: Int,
        _ options: WriteOptions
    ) throws(StorageError) -> WriteOperation.Answer {
        let current = try key.withBytes { bytes throws(StorageError) in try self.liveRecord(bytes)?.bytes }
        let (sum, bytes) = try StoredInteger.increment(current, by: amount, key: key)
        var answer = try self.set(key, bytes, options)
        answer.number = sum
        return answer
    }

    mutating func touch(_ key: String, _ ttl: TTL) throws(StorageError) -> WriteOperation.Answer {
        let deadline = ttl.deadline(at: self.now)
        let found = try self.rewrite(key) { $0.deadline = deadline }
        return WriteOperation.Answer(found: found, deadline: found ? deadline : nil)
    }

    private mutating func setMeta(_ key: String, _ fields: [UInt8]?) throws(StorageError) -> WriteOperation.Answer {
        WriteOperation.Answer(found: try self.rewrite(key) { $0.fields = fields })
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
