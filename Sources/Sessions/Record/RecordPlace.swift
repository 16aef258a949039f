import KVStorage

/// Where records are kept.
enum RecordPlace: Sendable {
    /// In a storage, under the hash of the ID.
    case storage(Storage)
}

/// The only calls by which the session layer touches storage; foreign errors end here.
extension SessionCore {
    /// Reads a record.
    func read(_ handle: String) async throws(SessionError) -> [UInt8]? {
        switch self.records {
        case .storage(let storage):
            do {
                return try await storage.getItemRaw(self.key(handle))
            } catch { throw SessionError(error, while: "reading a record") }
        }
    }

    /// Writes a record if there is none; `false` if there is one (R02).
    func insert(_ handle: String, _ record: [UInt8], ttl: Duration) async throws(SessionError) -> Bool {
        try await self.swap(handle, expected: nil, record, ttl: ttl)
    }

    /// Writes a record over the very bytes that were read; `false` if others are there or none (R15, R16).
    func swap(
        _ handle: String,
        expected: [UInt8]?,
        _ record: [UInt8]?,
        ttl: Duration?
    ) async throws(SessionError) -> Bool {
        switch self.records {
        case .storage(let storage):
            do {
                return try await storage.compareAndSwapItem(
                    self.key(handle),
                    expected: expected,
                    replacement: record,
                    ttl: ttl
                )
            } catch { throw SessionError(error, while: "writing a record") }
        }
    }

    /// Removes a record, whatever it is by now; `false` if there was none.
    func remove(_ handle: String) async throws(SessionError) -> Bool {
        switch self.records {
        case .storage(let storage):
            do {
                return try await storage.removeItem(self.key(handle))
            } catch { throw SessionError(error, while: "removing a record") }
        }
    }
}
