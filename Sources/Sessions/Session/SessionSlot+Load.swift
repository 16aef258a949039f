import HTTPTypes
import KVStorage
import Synchronization

extension SessionSlot {
    /// Asks storage for the session unless that is done; under ``lock``. Without one of ours, another library's is taken over
    /// where that is configured.
    func load(_ event: SessionEvent) async throws(SessionError) -> LoadedSession? {
        let isFirst = if case .pending = self.current { true } else { false }
        if let session = try await self.loadPresented(event) { return session }
        guard isFirst, self.core.foreign != nil, case .absent = self.current else { return nil }
        let session = try await self.adoptForeign(event)
        if session == nil, case .pending = self.current { self.current = .absent }
        return session
    }

    /// Asks storage for the session that the request names; under ``lock``.
    func loadPresented(_ event: SessionEvent) async throws(SessionError) -> LoadedSession? {
        switch self.current {
        case .absent, .ended, .destroyed: return nil
        case .live(let session), .readOnly(let session): return session
        case .locked: throw Self.locked
        case .pending(let credential):
            event.addVary(tokenField: self.core.tokenField?.request)
            guard let credential else {
                self.current = .absent
                return nil
            }
            // A note of activity that keeps losing is left to those who win: they have noted theirs.
            var attempts = 4
            var wasFound = false
            while true {
                guard let found = try await self.find(credential) else {
                    self.current = wasFound ? .ended : .absent
                    return nil
                }
                wasFound = true
                guard try self.passesPin(found.session, event) else { return nil }
                attempts -= 1
                if let session = try await self.enter(found, credential, event, noting: attempts > 0) {
                    return session
                }
            }
        }
    }

    /// A session that a token names, and how far the token goes.
    private struct Found {
        var session: LoadedSession
        /// Whether the token is the one before the last regeneration, in its grace.
        var isReadOnly: Bool
        /// The epochs that a record of the first format is to hold from now on.
        var adoptedEpochs: [String]?
    }

    /// Notes what has to be written at a load, and issues the token anew if it is an old secret's (R26); `nil` if the record was
    /// changed meanwhile and has to be looked at again.
    private func enter(
        _ found: Found,
        _ credential: Credential,
        _ event: SessionEvent,
        noting: Bool
    ) async throws(SessionError) -> LoadedSession? {
        let session = found.session
        guard !found.isReadOnly else {
            self.core.report(.loaded, session)
            self.current = .readOnly(session)
            return session
        }
        let isOld = credential.signer > 0
        var record = session.record
        let isTouched = self.touchesOnLoad.load(ordering: .relaxed) && self.isTouchDue(record)
        if isTouched { record.seen = self.core.clock.now }
        if let epochs = found.adoptedEpochs { record.epochs = epochs }
        let hasToWrite = isTouched || record.isCorrected || found.adoptedEpochs != nil
        // A sealed session is written by its cookie, for which it may be too late.
        guard noting, hasToWrite, !(self.core.records.isSealed && event.isHeadSent) else {
            self.core.report(.loaded, session)
            try self.adopt(session, sending: isOld, event)
            return session
        }
        do {
            guard let written = try await self.overwrite(session, by: record) else { return nil }
            self.core.report(.loaded, written)
            try self.adopt(written, sending: isOld || self.core.sendsEveryWrite, event)
            return written
        } catch {
            guard error.code == .storage || error.code == .outcomeUnknown else { throw error }
            // The session was read; that its activity could not be noted must not fail the request.
            self.core.report(.storageFailed, session)
            try self.adopt(session, sending: isOld, event)
            return session
        }
    }

    /// Notes something in the envelope alone; `nil` if somebody else's write came first, as nothing is created (A45).
    private func overwrite(
        _ session: LoadedSession, by record: SessionRecord
    ) async throws(SessionError) -> LoadedSession? {
        var record = record
        self.core.modernise(&record, session.id)
        let bytes = record.bytes
        guard
            try await self.core.swap(
                session.handle, expected: session.bytes, bytes, ttl: self.storageLife(record))
        else { return nil }
        return session.with(record, bytes: bytes)
    }

    /// Reads what a token names and looks at it in this order: the record, its limits, the secret, the epochs.
    private func find(_ credential: Credential) async throws(SessionError) -> Found? {
        let id = credential.id
        let handle = id.handle
        let bytes: [UInt8]?
        if let record = credential.record { bytes = record } else { bytes = try await self.core.read(handle) }
        guard let bytes else {
            self.core.report(.rejected(.unknown), id, handle: handle)
            return nil
        }
        guard let session = try await self.open(bytes, id: id, handle: handle) else { return nil }
        guard let isReadOnly = self.isReadOnly(session) else {
            self.core.report(.rejected(.replayed), session)
            if self.core.options.onReplay == .endFamily {
                _ = try await self.core.take(handle)
                await self.core.removeFromUserIndex([handle], of: session.record.user)
                self.core.streams.end(handle, .revoked)
                self.core.report(.revoked, session)
            }
            return nil
        }
        var found = Found(session: session, isReadOnly: isReadOnly)
        if session.record.isFirstFormat, session.record.user != nil, session.record.epochs.isEmpty {
            found.adoptedEpochs = try await self.core.epochsToAdopt(session.record)
            if found.adoptedEpochs != nil { return found }
        } else if try await !self.core.isRevoked(session.record, handle) {
            return found
        }
        self.core.report(.rejected(.revoked), session)
        return nil
    }

    /// Whether the secret is the one before the last regeneration, in its grace; `nil` if it is none that is good.
    ///
    /// Hashes of 256 random bits are compared, of which nobody can find out one by the time that this takes.
    func isReadOnly(_ session: LoadedSession) -> Bool? {
        if self.core.records.isSealed { return false }
        let record = session.record
        let hash = session.id.secretHash
        guard let secret = record.secret else { return record.isFirstFormat && session.id.isFirstFormat ? false : nil }
        if secret.utf8.elementsEqual(hash.utf8) { return false }
        guard let previous = record.previous, previous.secret.utf8.elementsEqual(hash.utf8),
            self.core.clock.now < previous.readableUntil
        else { return nil }
        return true
    }

    /// Makes sense of a record's bytes; `nil` if there is no session in them.
    ///
    /// R30: what can't be read is left to its lifetime, as a newer version of the layer may have written it. The
    /// application's data is not looked at.
    func open(_ bytes: [UInt8], id: SessionID, handle: String) async throws(SessionError) -> LoadedSession? {
        guard let record = self.core.parse(bytes) else {
            self.core.report(.rejected(.undecodable), id, handle: handle)
            return nil
        }
        let session = LoadedSession(id: id, handle: handle, bytes: bytes, record: record)
        // R10: by the record's own times, whatever the storage did with its lifetime.
        guard self.core.clock.now < self.core.deadline(record) else {
            try await self.expire(session)
            return nil
        }
        return session
    }

    /// A57: removes an expired record; of many requests that find it, one does and tells.
    func expire(_ session: LoadedSession) async throws(SessionError) {
        if try await self.core.remove(session.handle, expected: session.bytes) { self.core.report(.expired, session) }
    }

    /// R39: whether the request comes from where the session was made, or it does not matter; the record stays either way.
    private func passesPin(_ session: LoadedSession, _ event: SessionEvent) throws(SessionError) -> Bool {
        guard let pinning = self.core.options.pinning, !self.core.matchesPin(session.record, event) else { return true }
        self.core.report(.rejected(.address), session)
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
        guard let interval = self.core.touchInterval(record) else { return false }
        return record.seen.duration(to: self.core.clock.now).wholeMilliseconds >= interval
    }
}
