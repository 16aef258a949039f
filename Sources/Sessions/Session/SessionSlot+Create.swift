import KVStorage

extension SessionSlot {
    /// Returns the record of a session that begins now, without data.
    func newRecord() -> SessionRecord {
        SessionRecord(
            dataVersion: self.core.type.version,
            limits: self.core.limits,
            now: self.core.clock.now,
            data: []
        )
    }

    /// Creates a session. R03: the ID is always new, whatever the client sent. Under ``lock``.
    func create(_ draft: Draft, _ event: SessionEvent) async throws(SessionError) {
        try self.requireHead(event)
        let (record, value) = try self.completed(draft)
        let session = try await self.insert(record, value, event)
        try self.adopt(session, sending: true, event)
        self.core.report(.created, session)
    }

    /// Returns the draft's record and value: the initial one if it has none.
    func completed(_ draft: Draft) throws(SessionError) -> (SessionRecord, any AnySessionValue) {
        if let value = draft.value { return (draft.record, value) }
        let (value, data) = try self.core.type.initial()
        var record = draft.record
        record.data = data
        return (record, value)
    }

    /// R02: stores a record under a new ID that nobody knows yet; never overwrites, draws again if the ID is taken.
    func insert(
        _ record: SessionRecord,
        _ value: (any AnySessionValue)?,
        _ event: SessionEvent
    ) async throws(SessionError) -> LoadedSession {
        var record = record
        try self.checkSize(record)
        if record["pin"] == nil { try self.core.pin(&record, event) }
        for _ in 0..<8 {
            let id = self.core.ids.next()
            let handle = id.handle
            if self.core.records.isSealed { record.id = id } else { record.secret = id.secretHash }
            let bytes = record.bytes
            let session = LoadedSession(id: id, handle: handle, bytes: bytes, record: record, value: value)
            do {
                if try await self.core.swap(handle, expected: nil, bytes, ttl: self.storageLife(record)) {
                    return session
                }
            } catch {
                guard error.code == .outcomeUnknown else { throw error }
                // Whether it is there or not, nobody can use it: the client's session is as it was.
                await self.discard(session)
                throw SessionError(.storage, "the session storage failed while making a session", underlying: error)
            }
        }
        throw SessionError(.conflict, "every new ID is taken already; the generator is not random")
    }

    /// R11: how long storage keeps a record.
    func storageLife(_ record: SessionRecord) -> TTL {
        SessionLimits.storageLife(from: self.core.clock.now, to: self.core.deadline(record))
    }
}
