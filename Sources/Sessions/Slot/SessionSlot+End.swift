import KVStorage

extension SessionSlot {
    /// R14: removes the record, then takes the cookie back; from then on this request has no session and can't make one.
    /// Under ``lock``.
    func destroy(_ event: SessionEvent) async throws(SessionError) {
        if let session = try await self.load(event) {
            _ = try await self.core.remove(session.handle)
            self.core.report(.destroyed, session.id)
        }
        self.current = .ended
        self.withdraw(event)
    }

    /// R12: moves the session to a new ID. Under ``lock``.
    ///
    /// The new record comes first, then the old one goes, then the cookie is sent. Nobody knows the new ID until the old
    /// record is gone: whatever fails, the client holds exactly one token that works.
    func regenerate(_ event: SessionEvent) async throws(SessionError) {
        if case .ended = self.current { throw Self.gone }
        _ = try await self.load(event)
        for _ in 0..<self.core.options.updateAttempts {
            guard let old = try await self.writable() else { return }
            var record = old.record
            record.seen = max(self.core.clock.now, record.seen)
            let new = try await self.insert(record, old.value)
            if try await self.replace(old, by: new) {
                try self.adopt(new, sending: true, event)
                self.core.report(.regenerated, new.id)
                return
            }
            try await self.reload(old)
        }
        throw self.conflict
    }

    /// Removes the old record if it is unchanged; if it isn't, or the storage fails, the new one goes instead.
    private func replace(_ old: LoadedSession, by new: LoadedSession) async throws(SessionError) -> Bool {
        do {
            if try await self.core.swap(old.handle, expected: old.bytes, nil, ttl: nil) { return true }
        } catch {
            // The storage may have failed after the removal: what it holds now tells which of the two is left.
            if await self.isAbsent(old.handle) { return true }
            await self.discard(new)
            throw error
        }
        await self.discard(new)
        return false
    }

    private func isAbsent(_ handle: String) async -> Bool {
        do { return try await self.core.read(handle) == nil } catch { return false }
    }

    /// Removes a record whose ID nobody knows; if that fails, its life time ends it.
    private func discard(_ session: LoadedSession) async {
        do { _ = try await self.core.remove(session.handle) } catch { self.core.report(.storageFailed, session.id) }
    }
}
