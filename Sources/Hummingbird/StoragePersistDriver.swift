#if HummingbirdSupport
public import Hummingbird
public import KVStorage
import ServiceLifecycle

/// Hummingbird's persist framework on any storage.
///
///     let persist = StoragePersistDriver(storage.prefixed("persist"))
///
/// It answers as Hummingbird's own memory driver does. A value is kept as JSON, text in quotes too, so that what was stored
/// as one type is no other; JSON alone does not tell apart what is written alike: an integer and a `Double` of the same value, a
/// structure and one with fewer members. Setting a value without a lifetime leaves the one that it has, as `PersistDriver`
/// asks, and one that is zero or negative ends the value at once.
///
/// Any string is a key: it becomes one safe segment, percent-encoded where it has to be. Records that `hummingbird-valkey` or
/// `hummingbird-redis` wrote under keys with slashes or colons are therefore not found.
public struct StoragePersistDriver: PersistDriver {
    private let storage: Storage
    private let disposesStorage: Bool
    private let codec = JSONStorageCodec()

    /// Creates a driver on a storage, which gets a place of its own by `prefixed(_:)`.
    ///
    /// With `disposesStorage` the whole storage is disposed of on shutdown; by default it is left alone.
    public init(_ storage: Storage, disposesStorage: Bool = false) {
        self.storage = storage
        self.disposesStorage = disposesStorage
    }

    /// Stores a value under a key that has none.
    ///
    /// - Throws: `PersistError.duplicate` if it has one; of several callers exactly one succeeds.
    public func create<Object: Codable & Sendable>(key: String, value: Object, expires: Duration?) async throws {
        let key = StorageKey.escaped(key)
        let bytes = try self.codec.encode(value)
        if let expires, expires <= .zero {
            // Over with the moment of its creation: only that it could have been created matters.
            guard try await !self.storage.hasItem(key) else { throw PersistError.duplicate }
            return
        }
        let isNew = try await self.storage.compareAndSwapItem(
            key, expected: nil, replacement: bytes, ttl: expires.map(TTL.after) ?? .default)
        guard isNew else { throw PersistError.duplicate }
    }

    /// Stores a value; without `expires` an existing one keeps its deadline.
    public func set<Object: Codable & Sendable>(key: String, value: Object, expires: Duration?) async throws {
        let key = StorageKey.escaped(key)
        let bytes = try self.codec.encode(value)
        if let expires, expires <= .zero {
            try await self.storage.removeItem(key)
            return
        }
        try await self.storage.setItemRaw(key, bytes, ttl: expires.map(TTL.after) ?? .keep)
    }

    /// Returns the value, or `nil` if there is none.
    ///
    /// - Throws: `PersistError.invalidConversion` if it is of another type.
    public func get<Object: Codable & Sendable>(key: String, as type: Object.Type) async throws -> Object? {
        try await self.getWithTTL(key: key, as: type)?.object
    }

    /// Returns the value and what remains of its lifetime, both of one and the same write, or `nil` if there is none.
    ///
    /// - Throws: `PersistError.invalidConversion` if it is of another type.
    public func getWithTTL<Object: Codable & Sendable>(
        key: String,
        as type: Object.Type
    ) async throws -> (object: Object, ttl: Duration?)? {
        guard let entry = try await self.storage.getEntryRaw(StorageKey.escaped(key)) else { return nil }
        let object: Object
        do {
            object = try self.codec.decode(type, from: entry.bytes)
        } catch {
            throw PersistError.invalidConversion
        }
        return (object, entry.meta.ttl)
    }

    /// Removes the value; there need be none.
    public func remove(key: String) async throws {
        try await self.storage.removeItem(StorageKey.escaped(key))
    }

    /// Disposes of the storage if asked to.
    public func shutdown() async throws {
        if self.disposesStorage { try await self.storage.dispose() }
    }
}
#endif
