/// What `Storage.commit` is told to check and to write.
///
/// Nothing here throws: what is wrong with a key or a value is kept and thrown by the commit, before anything is written.
public struct CommitBuilder {
    /// What is demanded of an item.
    public enum Requirement: Sendable, Hashable {
        /// There is no item.
        case absent
        /// There is an item, whatever its value.
        case present
        /// The item's value has this etag.
        case etag(ETag)
        /// The item has exactly these bytes.
        case bytes([UInt8])

        func holds(for current: [UInt8]?) -> Bool {
            switch self {
            case .absent: current == nil
            case .present: current != nil
            case .etag(let etag): current.map { ETag(of: $0) == etag } ?? false
            case .bytes(let bytes): current == bytes
            }
        }
    }

    /// A write whose mount is not known yet.
    enum Write {
        case set(bytes: [UInt8], ttl: TTL)
        case remove
        case touch(TTL)
    }

    private let values: ValueCoding
    private(set) var requirements: [(key: String, requirement: Requirement)] = []
    private(set) var writes: [(key: String, write: Write)] = []
    /// The first thing that was wrong.
    private(set) var failure: StorageError?

    init(_ values: ValueCoding) {
        self.values = values
    }

    /// Demands something of an item: in the instant of the writes it still holds.
    public mutating func require(_ key: String, _ requirement: Requirement) {
        self.requirements.append((key, requirement))
    }

    /// Stores the value, as ``Storage/setItem(_:_:ttl:)`` does.
    public mutating func set<Value: Encodable>(_ key: String, _ value: Value, ttl: TTL = .default) {
        do throws(StorageError) {
            try ttl.validate()
            self.writes.append((key, .set(bytes: try self.values.encode(value, key: normalizeKey(key)), ttl: ttl)))
        } catch {
            self.failure = self.failure ?? error
        }
    }

    /// Stores the bytes as they are.
    public mutating func setRaw(_ key: String, _ bytes: some Sequence<UInt8>, ttl: TTL = .default) {
        do throws(StorageError) {
            try ttl.validate()
            self.writes.append((key, .set(bytes: [UInt8](bytes), ttl: ttl)))
        } catch {
            self.failure = self.failure ?? error
        }
    }

    /// Removes the item with its metadata; one that is not there is no error.
    public mutating func remove(_ key: String) {
        self.writes.append((key, .remove))
    }

    /// Gives the item a new lifetime if it is there.
    public mutating func touch(_ key: String, ttl: TTL) {
        do throws(StorageError) {
            try ttl.validate()
            self.writes.append((key, .touch(ttl)))
        } catch {
            self.failure = self.failure ?? error
        }
    }
}
