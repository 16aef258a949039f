import KVStorage

/// The only calls by which the session layer touches records in storage; the storage's errors end here.
///
/// A sealed session's record is written by sending its cookie: here its writes succeed and leave nothing.
extension SessionCore {
    /// Where records are kept.
    enum Records: Sendable {
        /// In a storage, under the hash of the family; the storage is that of ``SessionCore/place(in:name:)``.
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

    /// Makes sense of a record's bytes; `nil` if there is none in them.
    func parse(_ bytes: [UInt8]) -> SessionRecord? {
        guard var record = SessionRecord(bytes), !record.isSuperseded else { return nil }
        record.correct(self.clock.now)
        return record
    }

    /// Makes a record of the first format one of this format.
    func modernise(_ record: inout SessionRecord, _ id: SessionID) {
        guard record.isFirstFormat else { return }
        record.isFirstFormat = false
        record["generation"] = nil
        if self.records.isSealed { record.id = id } else { record.secret = id.secretHash }
    }

    /// Reads a record's bytes.
    func read(_ handle: String) async throws(SessionError) -> [UInt8]? {
        guard case .storage(let storage) = self.records else { return nil }
        do {
            return try await storage.getItemRaw(handle)
        } catch { throw SessionError(error, while: "reading a record") }
    }

    /// Reads several records at once.
    func records(_ handles: [String]) async throws(SessionError) -> [SessionRecord?] {
        guard case .storage(let storage) = self.records, !handles.isEmpty else { return handles.map { _ in nil } }
        do {
            return try await storage.getItemsRaw(handles).map { $0.flatMap(self.parse) }
        } catch { throw SessionError(error, while: "reading records") }
    }

    /// Writes a record over the very bytes that were read, or where there was none for `nil`; `false` if something else is
    /// there (R02, R15, R16).
    ///
    /// If the answer is lost, reading tells what became of it: `true` if the record is there, as also where only `isOurs` finds
    /// it in what somebody made of it since.
    /// - Throws: ``SessionError/Code/storage`` if nothing was written, ``SessionError/Code/outcomeUnknown`` if that can't be
    ///   told.
    func swap(
        _ handle: String,
        expected: [UInt8]?,
        _ record: [UInt8],
        ttl: TTL,
        isOurs: (SessionRecord) -> Bool = { _ in false }
    ) async throws(SessionError) -> Bool {
        guard case .storage(let storage) = self.records else { return true }
        let failure: StorageError
        do {
            return try await storage.compareAndSwapItem(handle, expected: expected, replacement: record, ttl: ttl)
        } catch { failure = error }
        guard let present = try await self.present(handle, after: failure) else { throw Self.outcomeUnknown(failure) }
        if present.bytes == record { return true }
        guard present.bytes != expected else { throw SessionError(failure, while: "writing a record") }
        // Whoever removed it did so before or after this write: either way it is not there.
        guard let bytes = present.bytes else { return false }
        if self.parse(bytes).map(isOurs) == true { return true }
        throw Self.outcomeUnknown(failure)
    }

    /// Removes a record if it still has the bytes that were read; `false` if something else, or nothing, is there.
    ///
    /// - Throws: As ``swap(_:expected:_:ttl:isOurs:)``.
    func remove(_ handle: String, expected: [UInt8]) async throws(SessionError) -> Bool {
        guard case .storage(let storage) = self.records else { return true }
        let failure: StorageError
        do {
            return try await storage.compareAndSwapItem(handle, expected: expected, replacement: nil)
        } catch { failure = error }
        guard let present = try await self.present(handle, after: failure) else { throw Self.outcomeUnknown(failure) }
        guard let bytes = present.bytes else { return true }
        guard bytes != expected else { throw SessionError(failure, while: "removing a record") }
        return false
    }

    /// Removes a record, whatever it is by now, and returns what it was; `nil` if there was none, or the answer was lost.
    ///
    /// - Throws: ``SessionError/Code/storage`` if it is still there, ``SessionError/Code/outcomeUnknown`` if that can't be told.
    func take(_ handle: String) async throws(SessionError) -> [UInt8]? {
        guard case .storage(let storage) = self.records else { return nil }
        let failure: StorageError
        do {
            return try await storage.takeItemRaw(handle)
        } catch { failure = error }
        guard let present = try await self.present(handle, after: failure) else { throw Self.outcomeUnknown(failure) }
        guard present.bytes == nil else { throw SessionError(failure, while: "removing a record") }
        return nil
    }

    /// What is there after a call that failed, or `nil` if that can't be read either; throws if the call changed nothing for sure.
    private func present(
        _ handle: String, after failure: StorageError
    ) async throws(SessionError) -> (bytes: [UInt8]?, Void)? {
        guard !Self.undone.contains(failure.code) else { throw SessionError(failure, while: "changing a record") }
        do { return (try await self.read(handle), ()) } catch { return nil }
    }

    /// The codes with which a driver says that it changed nothing.
    private static let undone: Set<StorageError.Code> = [
        .cancelled, .closed, .conflict, .full, .invalidKey, .invalidOption, .notSupported, .overloaded,
        .permissionDenied,
        .readOnly, .tooLarge,
    ]

    private static func outcomeUnknown(_ failure: StorageError) -> SessionError {
        SessionError(
            .outcomeUnknown,
            "the session storage failed, and whether the session was changed is not known; log in again if it is gone",
            underlying: failure
        )
    }
}
