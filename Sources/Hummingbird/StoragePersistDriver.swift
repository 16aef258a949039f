#if HummingbirdSupport
public import Hummingbird
public import KVStorage
import ServiceLifecycle

/// Hummingbird's persist framework on any storage.
///
///     let persist = StoragePersistDriver(storage.prefixed("persist"))
///
/// Any string is a key: it becomes one safe segment. Unlike what a storage does otherwise, setting a value without a
/// lifetime leaves the one that it has, as `PersistDriver` asks.
public struct StoragePersistDriver: PersistDriver {
    private let storage: Storage
    private let disposesStorage: Bool

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
        let isNew = try await self.storage.setItem(
            StorageKey.escaped(key), value, ttl: expires.map(TTL.after) ?? .default, ifAbsent: true)
        guard isNew else { throw PersistError.duplicate }
    }

    /// Stores a value; without `expires` an existing one keeps its deadline.
    public func set<Object: Codable & Sendable>(key: String, value: Object, expires: Duration?) async throws {
        try await self.storage.setItem(StorageKey.escaped(key), value, ttl: expires.map(TTL.after) ?? .keep)
    }

    /// Returns the value, or `nil` if there is none.
    ///
    /// - Throws: `PersistError.invalidConversion` if it is of another type.
    public func get<Object: Codable & Sendable>(key: String, as type: Object.Type) async throws -> Object? {
        do {
            return try await self.storage.getItem(StorageKey.escaped(key), as: type)
        } catch  where error.code == .decoding {
            throw PersistError.invalidConversion
        }
    }

    /// Returns the value and what remains of its lifetime, or `nil` if there is none.
    public func getWithTTL<Object: Codable & Sendable>(
        key: String,
        as type: Object.Type
    ) async throws -> (object: Object, ttl: Duration?)? {
        do {
            // One read: value and lifetime are of the same write.
            let entry = try await self.storage.getEntry(StorageKey.escaped(key), as: type)
            guard let entry else { return nil }
            return (entry.value, entry.meta.ttl)
        } catch  where error.code == .decoding {
            throw PersistError.invalidConversion
        }
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
