import KVStorage

extension SessionSlot {
    /// What a write makes of the session.
    struct Draft {
        /// The record as it is to be stored; a new session's has no data yet.
        var record: SessionRecord
        /// The data that the write puts in, decoded; `nil` leaves what is there, or the initial value of a new session.
        var value: (any AnySessionValue)?
        /// The session as it was; `nil` if it is a new one.
        var session: LoadedSession?
    }

    /// R15, R16: changes the session as one step, or creates it if the request has none. Under ``lock``.
    ///
    /// `body` runs again if somebody else's write came between; by answering `nil`, or throwing, it changes nothing.
    func write<Result>(
        _ event: SessionEvent,
        _ body: (inout Draft) throws(SessionError) -> Result?
    ) async throws(SessionError) -> Result? {
        _ = try await self.load(event)
        for _ in 0..<self.core.options.updateAttempts {
            guard let session = try await self.writable() else {
                try self.requireHead(event)
                var draft = Draft(record: self.newRecord())
                guard let result = try body(&draft) else { return nil }
                try await self.create(draft, event)
                return result
            }
            if self.core.records.isSealed { try self.requireHead(event) }
            var draft = Draft(record: session.record, session: session)
            guard let result = try body(&draft) else { return nil }
            if try await self.replace(session, by: draft, event) { return result }
            try await self.reload(session)
        }
        throw self.conflict
    }

    /// Returns the session if it can be written, `nil` if there is none yet; throws if it ended (A44).
    func writable() async throws(SessionError) -> LoadedSession? {
        switch self.current {
        case .ended, .destroyed, .readOnly: throw Self.gone
        case .locked: throw Self.locked
        case .pending, .absent: return nil
        case .live(let session):
            guard self.core.clock.now < self.core.deadline(session.record) else {
                self.current = .ended
                try await self.expire(session)
                throw Self.gone
            }
            return session
        }
    }

    /// Writes over the bytes that were read; `false` if they are no longer there.
    private func replace(
        _ session: LoadedSession,
        by draft: Draft,
        _ event: SessionEvent
    ) async throws(SessionError) -> Bool {
        var record = draft.record
        try self.checkSize(record)
        record.seen = max(self.core.clock.now, record.seen)
        self.core.modernise(&record, session.id)
        let bytes = record.bytes
        let ttl = self.storageLife(record)
        guard try await self.core.swap(session.handle, expected: session.bytes, bytes, ttl: ttl) else { return false }
        let written = session.with(record, bytes: bytes, value: draft.value)
        try self.adopt(written, sending: self.core.sendsEveryWrite, event)
        return true
    }

    /// Reads what came between; throws ``SessionError/Code/gone`` if that was the session's end, or another secret.
    func reload(_ session: LoadedSession) async throws(SessionError) {
        self.core.report(.conflict, session)
        guard let bytes = try await self.core.read(session.handle),
            let other = try await self.open(bytes, id: session.id, handle: session.handle),
            self.isReadOnly(other) == false
        else {
            self.current = .ended
            throw Self.gone
        }
        self.current = .live(other)
    }

    /// R31: refuses data over the limit before anything is written.
    func checkSize(_ record: SessionRecord) throws(SessionError) {
        let limit = self.core.options.maximumDataBytes
        let count = record.dataBytes
        guard count <= limit else {
            throw SessionError(
                .tooLarge,
                "the session's data would take \(count) bytes, the limit is \(limit); keep less in it"
            )
        }
    }
}
