import KVStorage

/// The only calls by which the session layer touches records in storage; the storage's errors end here.
///
/// A sealed session's record is written by sending its cookie: here its writes succeed and leave nothing.
extension SessionCore {
    /// Where records are kept.
    enum Records: Sendable {
        /// In a storage, under the hash of the ID; the storage is that of ``SessionCore/place(in:name:)``.
        case storage(Storage)
        /// In the client's cookie, sealed.
        case cookie(Sealer)

        var isSealed: Bool {
            if case .cookie = self { true } else { false }
        }
    }

    /// R07, R28: returns where sessions of that name are kept, so that a cookie moved to another name finds nothing.
    static func place(in store: Storage, name: String) -> Storage {
        store.prefixed(StorageKey.escaped(name))
    }

    /// Reads a record.
    func read(_ handle: String) async throws(SessionError) -> [UInt8]? {
        guard case .storage(let storage) = self.records else { return nil }
        do {
            return try await storage.getItemRaw(handle)
        } catch { throw SessionError(error, while: "reading a record") }
    }

    /// Writes a record over the very bytes that were read, or where there was none for `nil`; `false` if something else is
    /// there (R02, R15, R16).
    func swap(
        _ handle: String,
        expected: [UInt8]?,
        _ record: [UInt8],
        ttl: TTL
    ) async throws(SessionError) -> Bool {
        guard case .storage(let storage) = self.records else { return true }
        do {
            return try await storage.compareAndSwapItem(handle, expected: expected, replacement: record, ttl: ttl)
        } catch { throw SessionError(error, while: "writing a record") }
    }

    /// Removes a record if it still has the bytes that were read; `false` if something else, or nothing, is there.
    func remove(_ handle: String, expected: [UInt8]) async throws(SessionError) -> Bool {
        guard case .storage(let storage) = self.records else { return true }
        do {
            return try await storage.compareAndSwapItem(handle, expected: expected, replacement: nil)
        } catch { throw SessionError(error, while: "removing a record") }
    }

    /// Removes a record, whatever it is by now; `false` if there was none.
    func remove(_ handle: String) async throws(SessionError) -> Bool {
        guard case .storage(let storage) = self.records else { return false }
        do {
            return try await storage.removeItem(handle)
        } catch { throw SessionError(error, while: "removing a record") }
    }
}
