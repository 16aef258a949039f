import KVStorage

extension SessionSlot {
    /// Creates a session. R03: the ID is always new, whatever the client sent. Under ``lock``.
    func create(
        _ value: any AnySessionValue,
        _ data: [UInt8],
        _ event: SessionEvent
    ) async throws(SessionError) -> LoadedSession {
        try self.checkSize(data)
        let record = SessionRecord(
            dataVersion: self.core.type.version,
            limits: self.core.limits,
            now: self.core.clock.now,
            data: data
        )
        let session = try await self.insert(record, value)
        try self.adopt(session, sending: true, event)
        self.core.report(.created, session.id)
        return session
    }

    /// R02: stores a record under a new ID that nobody knows yet; never overwrites, draws again if the ID is taken.
    func insert(_ record: SessionRecord, _ value: any AnySessionValue) async throws(SessionError) -> LoadedSession {
        let bytes = record.bytes
        let ttl = SessionLimits.storageLife(from: self.core.clock.now, to: record.deadline(self.core.limits))
        for _ in 0..<8 {
            let id = self.core.ids.next()
            let handle = id.handle
            if try await self.core.insert(handle, bytes, ttl: ttl) {
                return LoadedSession(id: id, handle: handle, bytes: bytes, record: record, value: value)
            }
        }
        throw SessionError(.conflict, "every new ID is taken already; the generator is not random")
    }
}
