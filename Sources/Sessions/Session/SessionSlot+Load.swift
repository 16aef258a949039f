import HTTPTypes
import KVStorage

extension SessionSlot {
    /// Asks storage for the session unless that is done; under ``lock``.
    func load(_ event: SessionEvent) async throws(SessionError) -> LoadedSession? {
        switch self.current {
        case .absent, .ended: return nil
        case .live(let session), .readOnly(let session): return session
        case .locked: throw Self.locked
        case .pending(let credential):
            event.addVary(tokenField: self.core.tokenField)
            guard let credential, let session = try await self.find(credential) else {
                self.current = .absent
                return nil
            }
            guard try self.passesPin(session, event) else { return nil }
            self.core.report(.loaded, session.id)
            guard !session.record.isSuperseded else {
                self.current = .readOnly(session)
                return session
            }
            return try await self.enter(session, credential, event)
        }
    }

    /// Notes the activity if that is due, and issues the token anew if it is an old secret's (R26).
    private func enter(
        _ session: LoadedSession,
        _ credential: Credential,
        _ event: SessionEvent
    ) async throws(SessionError) -> LoadedSession? {
        let isOld = credential.secret > 0
        guard self.isTouchDue(session.record) else {
            try self.adopt(session, sending: isOld, event)
            return session
        }
        guard let (touched, isNoted) = try await self.touch(session) else {
            self.current = .absent
            return nil
        }
        try self.adopt(touched, sending: isOld || isNoted && self.core.sendsEveryWrite, event)
        return touched
    }

    /// Reads the record that a token names.
    private func find(_ credential: Credential) async throws(SessionError) -> LoadedSession? {
        let handle = credential.id.handle
        let bytes: [UInt8]?
        if let record = credential.record { bytes = record } else { bytes = try await self.core.read(handle) }
        guard let bytes else {
            self.core.report(.rejected(.unknown), credential.id)
            return nil
        }
        guard let session = try await self.open(bytes, id: credential.id, handle: handle) else { return nil }
        if session.record.isSuperseded, try await !self.core.isReadable(session.record) {
            self.core.report(.rejected(.unknown), credential.id)
            return nil
        }
        if try await self.core.isRevoked(session.record) {
            self.core.report(.rejected(.revoked), credential.id)
            return nil
        }
        return session
    }

    /// Makes sense of a record's bytes; `nil` if there is no session in them.
    ///
    /// R30: what can't be read is left to its lifetime, as a newer version of the application may have written it. It is
    /// no session, and the next write makes a new one.
    func open(_ bytes: [UInt8], id: SessionID, handle: String) async throws(SessionError) -> LoadedSession? {
        guard let record = SessionRecord(bytes) else {
            self.core.report(.rejected(.undecodable), id)
            return nil
        }
        // R10: by the record's own times, whatever the storage did with its lifetime.
        guard self.core.clock.now < record.deadline(self.core.limits) else {
            try await self.expire(bytes, id: id, handle: handle)
            return nil
        }
        guard let value = self.core.type.decode(record.data, version: record.dataVersion) else {
            self.core.report(.rejected(.undecodable), id)
            return nil
        }
        return LoadedSession(id: id, handle: handle, bytes: bytes, record: record, value: value)
    }

    /// A57: removes an expired record; of many requests that find it, one does and tells.
    func expire(_ bytes: [UInt8], id: SessionID, handle: String) async throws(SessionError) {
        if try await self.core.remove(handle, expected: bytes) { self.core.report(.expired, id) }
    }

    /// R39: whether the request comes from where the session was made, or it does not matter; the record stays either way.
    private func passesPin(_ session: LoadedSession, _ event: SessionEvent) throws(SessionError) -> Bool {
        guard let pinning = self.core.options.pinning, !self.core.matchesPin(session.record, event) else { return true }
        self.core.report(.rejected(.address), session.id)
        switch pinning.onMismatch {
        case .log: return true
        case .reject:
            self.current = .absent
            return false
        case .reauthenticate:
            self.current = .locked(session)
            throw Self.locked
        }
    }

    /// R17: whether a request that only reads has to note its activity.
    private func isTouchDue(_ record: SessionRecord) -> Bool {
        guard self.core.limits.idle != nil || record.limits.idle != nil else { return false }
        return record.seen.duration(to: self.core.clock.now).wholeMilliseconds >= self.core.touchInterval
    }

    /// Notes activity in the envelope alone. A concurrent write wins, and nothing is created (A45): if the record has
    /// changed, what is there counts; if it is gone, there is no session.
    private func touch(_ session: LoadedSession) async throws(SessionError) -> (LoadedSession, isNoted: Bool)? {
        let now = self.core.clock.now
        var record = session.record
        record.seen = now
        let bytes = record.bytes
        let ttl = SessionLimits.storageLife(from: now, to: record.deadline(self.core.limits))
        do {
            if try await self.core.swap(session.handle, expected: session.bytes, bytes, ttl: ttl) {
                return (session.with(record, bytes: bytes), true)
            }
            guard let other = try await self.core.read(session.handle),
                let newer = try await self.open(other, id: session.id, handle: session.handle),
                !newer.record.isSuperseded
            else { return nil }
            return (newer, false)
        } catch {
            // The session was read; that its activity could not be noted must not fail the request.
            self.core.report(.storageFailed, session.id)
            return (session, false)
        }
    }
}
