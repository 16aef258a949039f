import KVStorage

extension SessionSlot {
    /// How long requests without our cookie find the session that a foreign one became.
    private static let mappingLife = TTL.seconds(60)

    /// Takes over the session of another library, if the request brings one; `nil` if there is none. Under ``lock``.
    ///
    /// The new record comes first, under an ID that nobody knows. Then the mapping decides which of several requests made the
    /// session that counts.
    func adoptForeign(_ event: SessionEvent) async throws(SessionError) -> LoadedSession? {
        guard let foreign = self.core.foreign, !event.isHeadSent, let id = foreign.presentedID(event) else {
            return nil
        }
        if let known = try await self.mapped(id, foreign) { return try await self.take(known, id, foreign, event) }
        guard let record = try await foreign.read(id) else { return nil }
        guard let converted = foreign.converted(record) else {
            self.core.report(.rejected(.undecodable))
            return nil
        }
        guard let new = try await self.insert(converted, event) else { return nil }
        do throws(SessionError) {
            guard try await self.setMapping(id, new.id, foreign) else {
                await self.discard(new)
                guard let known = try await self.mapped(id, foreign) else { return nil }
                return try await self.take(known, id, foreign, event)
            }
        } catch {
            await self.discard(new)
            throw error
        }
        do {
            try await foreign.remove(id)
        } catch { self.core.report(.storageFailed, new) }
        try self.finish(new, foreign, event)
        self.core.report(.adopted, new)
        return new
    }

    /// Creates the session; `nil` if it would have ended already.
    private func insert(
        _ converted: ForeignSessions.Converted, _ event: SessionEvent
    ) async throws(SessionError) -> LoadedSession? {
        var record = self.newRecord()
        let now = record.created
        if let expires = converted.expires {
            guard expires > now else { return nil }
            record.limits.absolute = min(record.limits.absolute, now.duration(to: expires).wholeMilliseconds)
        }
        record.data = converted.data
        if let user = converted.user {
            try Login(user: user, isPersistent: nil, methods: [], identifier: nil, label: nil).check()
            record.user = user
            // When the user proved who they are is not known: it is too long ago for whoever asks.
            record.authenticated = Timestamp(milliseconds: 0)
            self.core.noteDevice(&record, event, label: nil)
            record.epochs = try await self.core.currentEpochs(user: user, identifier: nil).map(\.token)
        }
        let new = try await self.insert(record, converted.value, event)
        guard let user = converted.user, !self.core.records.isSealed else { return new }
        do throws(SessionError) {
            let entries = try await self.core.enterIntoUserIndex(new.handle, new.record, of: user)
            await self.core.evict(entries, of: user, keeping: new.handle)
        } catch {
            await self.discard(new)
            throw error
        }
        return new
    }

    /// Uses the session that another request made of the foreign one.
    private func take(
        _ id: SessionID, _ foreignID: String, _ foreign: ForeignSessions, _ event: SessionEvent
    ) async throws(SessionError) -> LoadedSession? {
        self.current = .pending(Credential(id: id, signer: 0))
        guard let session = try await self.loadPresented(event) else { return nil }
        guard case .live = self.current else { return session }
        try self.finish(session, foreign, event)
        return session
    }

    private func finish(
        _ session: LoadedSession, _ foreign: ForeignSessions, _ event: SessionEvent
    ) throws(SessionError) {
        try self.adopt(session, sending: true, event)
        if let removal = foreign.removal { event.addSetCookie(removal) }
    }

    private func mapped(_ id: String, _ foreign: ForeignSessions) async throws(SessionError) -> SessionID? {
        guard let storage = self.core.epochStorage else { return nil }
        do {
            return try await storage.getItemRaw(foreign.mappingKey(id)).flatMap { foreign.opened($0, for: id) }
        } catch { throw SessionError(error, while: "reading which session another one became") }
    }

    /// Notes which session the foreign one became, unless that is noted.
    private func setMapping(
        _ id: String, _ own: SessionID, _ foreign: ForeignSessions
    ) async throws(SessionError) -> Bool {
        guard !self.core.records.isSealed, let storage = self.core.epochStorage else { return true }
        let sealed = try foreign.sealed(own, for: id)
        let key = foreign.mappingKey(id)
        do {
            return try await storage.compareAndSwapItem(key, expected: nil, replacement: sealed, ttl: Self.mappingLife)
        } catch {
            // The answer may be lost and the mapping there: it must not lead to a session that is discarded.
            throw SessionError(error, while: "noting which session another one became")
        }
    }
}
