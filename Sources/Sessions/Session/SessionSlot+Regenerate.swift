import KVStorage

extension SessionSlot {
    /// R12: moves the session to a new ID. Under ``lock``.
    ///
    /// The new record comes first, then the old one goes, then the token is sent. Nobody knows the new ID until the old
    /// record is gone: whatever fails, the client holds exactly one token that works. R13: the absolute limit still runs from
    /// where it did.
    func regenerate(_ event: SessionEvent) async throws(SessionError) {
        if case .ended = self.current { throw Self.gone }
        _ = try await self.load(event)
        for _ in 0..<self.core.options.updateAttempts {
            guard let old = try await self.writable() else { return }
            var record = old.record
            record.seen = max(self.core.clock.now, record.seen)
            let new = try await self.insert(record, old.value, event)
            try await self.enterIntoUserIndex(new, replacing: old)
            if try await self.replaceRecord(of: old, by: new, grace: self.core.options.regenerationGrace) {
                try self.adopt(new, sending: true, event)
                await self.core.removeFromUserIndex(old.handle, of: old.record.user)
                self.core.report(.regenerated, new.id)
                return
            }
            try await self.reload(old)
        }
        throw self.conflict
    }

    /// R12, R13: binds the session to a user under a new ID. Under ``lock``.
    ///
    /// A03: what was in the session before its user was known does not come along, unless `carry` takes it; the same user's
    /// session does. The absolute limit starts anew. No grace is left to the old ID.
    func authenticate(
        _ user: String,
        _ event: SessionEvent,
        carry: (any AnySessionValue) throws -> (any AnySessionValue, [UInt8])?
    ) async throws {
        for _ in 0..<self.core.options.updateAttempts {
            let old = try await self.authenticable(event, user)
            var draft = Draft(record: self.newRecord(user: user))
            draft.record.generation = try await self.core.generation(of: user)
            if let old {
                if old.record.user == user {
                    draft.value = old.value
                    draft.record.data = old.record.data
                    draft.record.dataVersion = old.record.dataVersion
                    draft.record.fields += old.record.flashLines
                } else if let (value, data) = try carry(old.value) {
                    draft.value = value
                    draft.record.data = data
                }
            }
            let (record, value) = try self.completed(draft)
            let new = try await self.insert(record, value, event)
            try await self.enterIntoUserIndex(new, replacing: old)
            if let old, try await !self.replaceRecord(of: old, by: new) {
                self.core.report(.conflict, old.id)
                self.current = .pending(Credential(id: old.id, secret: 0))
                continue
            }
            try self.adopt(new, sending: true, event)
            if let old { await self.core.removeFromUserIndex(old.handle, of: old.record.user) }
            self.core.report(.authenticated, new.id)
            return
        }
        throw self.conflict
    }

    /// Returns the session that a login takes over: the request's own if it can be written, also from elsewhere if it is the
    /// same user's. What ended, or is only readable, is no obstacle to logging in.
    private func authenticable(_ event: SessionEvent, _ user: String) async throws(SessionError) -> LoadedSession? {
        do {
            _ = try await self.load(event)
            return try await self.writable()
        } catch {
            if case .locked(let session) = self.current { return session.record.user == user ? session : nil }
            guard error.code == .gone else { throw error }
            return nil
        }
    }

    /// Enters a new session into its user's list; if that fails, the session goes again.
    private func enterIntoUserIndex(_ new: LoadedSession, replacing old: LoadedSession?) async throws(SessionError) {
        guard let user = new.record.user, !self.core.records.isSealed else { return }
        do {
            try await self.core.enterIntoUserIndex(new, of: user, replacing: old?.handle)
        } catch {
            await self.discard(new)
            throw error
        }
    }
}
