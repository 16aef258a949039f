import KVStorage

extension SessionSlot {
    /// R12, R13: binds the session to a user under a new ID. Under ``lock``.
    ///
    /// The same user's session goes on under a new secret. Any other login makes a new family: A03, what was in the session
    /// before its user was known does not come along, unless `carry` takes it.
    func authenticate(
        _ login: Login,
        _ event: SessionEvent,
        carry: (any AnySessionValue) throws -> (any AnySessionValue, [UInt8])?
    ) async throws {
        try login.check()
        try self.requireHead(event)
        let old = try await self.replaceable(event, login.user)
        if let old, self.core.isSame(old.record.user, login.user) {
            try await self.logInAgain(login, old, event)
        } else {
            try await self.logInAnew(login, old, event, carry)
        }
    }

    /// Returns the session that a login takes over or puts an end to: the request's own, from elsewhere only if it is the same
    /// user's. What had ended before the request, or was ended by it, is no obstacle to logging in; what others ended under it
    /// is.
    private func replaceable(_ event: SessionEvent, _ user: String) async throws(SessionError) -> LoadedSession? {
        do {
            _ = try await self.load(event)
        } catch {
            guard case .locked(let session) = self.current else { throw error }
            return self.core.isSame(session.record.user, user) ? session : nil
        }
        switch self.current {
        case .pending, .absent, .destroyed: return nil
        case .ended: throw Self.gone
        case .readOnly(let session), .locked(let session): return session
        case .live(let session):
            guard self.core.clock.now >= self.core.deadline(session.record) else { return session }
            try await self.expire(session)
            return nil
        }
    }

    /// Logs in as the session's own user, by one compare-and-swap of its record: a logout that comes between is final. The
    /// absolute limit starts anew, and no grace is left to the old secret.
    private func logInAgain(_ login: Login, _ old: LoadedSession, _ event: SessionEvent) async throws(SessionError) {
        var old = old
        for _ in 0..<self.core.options.updateAttempts {
            var record = old.record
            try await self.logIn(login, &record, event)
            let entries = try await self.enterIntoUserIndex(old.handle, record)
            if let new = try await self.renew(old, record) {
                try self.adopt(new, sending: true, event)
                self.core.report(.authenticated, new)
                await self.core.evict(entries, of: login.user, keeping: new.handle)
                return
            }
            try await self.reload(old)
            guard case .live(let other) = self.current else { throw Self.gone }
            old = other
        }
        throw self.conflict
    }

    /// Logs in from an anonymous or another user's session, or from none: the new record comes first, then the user's list, then
    /// the old record goes. Nobody knows the new ID until then: whatever fails, the client holds exactly one token that works.
    private func logInAnew(
        _ login: Login,
        _ old: LoadedSession?,
        _ event: SessionEvent,
        _ carry: (any AnySessionValue) throws -> (any AnySessionValue, [UInt8])?
    ) async throws {
        var old = old
        for _ in 0..<self.core.options.updateAttempts {
            var draft = Draft(record: self.newRecord())
            var isCarried = false
            // What belonged to another user never goes over.
            if let old, old.record.user == nil, let value = old.value(self.core.type),
                let (value, data) = try carry(value)
            {
                draft.value = value
                draft.record.data = data
                isCarried = true
            }
            try await self.logIn(login, &draft.record, event)
            let (record, value) = try self.completed(draft)
            let new = try await self.insert(record, value, event)
            // Before the old one goes: a cookie that is too large for a browser is no session.
            if self.core.records.isSealed { _ = try self.cookie(of: new, event) }
            let entries: [UserIndex.Entry]
            do throws(SessionError) {
                entries = try await self.enterIntoUserIndex(new.handle, new.record)
                if let left = old, try await !self.removeReplaced(left, isCarried: isCarried) {
                    await self.discard(new)
                    try await self.reload(left)
                    guard case .live(let other) = self.current else { throw Self.gone }
                    old = other
                    continue
                }
            } catch {
                await self.discard(new)
                throw error
            }
            try self.adopt(new, sending: true, event)
            self.core.report(.authenticated, new)
            await self.core.evict(entries, of: login.user, keeping: new.handle)
            return
        }
        throw self.conflict
    }

    /// Ends the session that a login leaves behind; `false` if what was carried over from it has changed meanwhile.
    ///
    /// An anonymous session never gets a user, and one of a user never another: it is the client's own whatever its secret is by
    /// now, and goes.
    private func removeReplaced(_ old: LoadedSession, isCarried: Bool) async throws(SessionError) -> Bool {
        if self.core.records.isSealed {
            try await self.core.endSealed(old.handle, old.record)
        } else if !isCarried || old.record.user != nil {
            _ = try await self.core.take(old.handle)
        } else if try await !self.core.remove(old.handle, expected: old.bytes) {
            if let bytes = try await self.core.read(old.handle) {
                let present = self.core.parse(bytes).map { old.with($0, bytes: bytes) }
                if let present, self.isReadOnly(present) == false { return false }
                _ = try await self.core.take(old.handle)
            }
        }
        self.core.streams.end(old.handle, .replaced)
        await self.core.removeFromUserIndex([old.handle], of: old.record.user)
        return true
    }

    /// Enters a session into its user's list and returns what is in it; nothing for sealed ones, which are in none.
    private func enterIntoUserIndex(
        _ handle: String, _ record: SessionRecord
    ) async throws(SessionError) -> [UserIndex.Entry] {
        guard let user = record.user, !self.core.records.isSealed else { return [] }
        return try await self.core.enterIntoUserIndex(handle, record, of: user)
    }
}
