import KVStorage

extension SessionSlot {
    /// R14: removes the record, then takes the token back; from then on this request has no session and can't make one.
    /// Under ``lock``.
    ///
    /// R39: a request from elsewhere only forgets the session.
    func destroy(_ event: SessionEvent) async throws(SessionError) {
        if let session = try await self.loadToDestroy(event) {
            try await self.core.end(session.handle, session.bytes, session.record)
            self.core.report(.destroyed, session.id)
        }
        self.current = .ended
        self.withdraw(event)
    }

    private func loadToDestroy(_ event: SessionEvent) async throws(SessionError) -> LoadedSession? {
        do {
            return try await self.load(event)
        } catch {
            guard error.code == .reauthenticationRequired else { throw error }
            return nil
        }
    }

    /// Puts the new session in the old one's place; `false` if the old one has changed. Then, and if the storage fails, the
    /// new one goes again (R12).
    ///
    /// The old record first becomes a tombstone that names the new one: should the storage fail after the write, reading
    /// tells whether it was this request that ended the old session or another one. Without a grace the tombstone then goes.
    func replaceRecord(
        of old: LoadedSession,
        by new: LoadedSession,
        grace: Duration = .zero
    ) async throws(SessionError) -> Bool {
        let tombstone = self.tombstone(of: old, successor: new, grace: grace)
        do {
            let now = self.core.clock.now
            let end = min(now.advanced(by: max(grace, .seconds(60))), old.record.end(self.core.limits))
            let ttl = SessionLimits.storageLife(from: now, to: end)
            guard try await self.core.swap(old.handle, expected: old.bytes, tombstone, ttl: ttl) else {
                await self.discard(new)
                return false
            }
        } catch {
            guard await self.holds(tombstone, old.handle) else {
                await self.discard(new)
                throw error
            }
        }
        if grace == .zero { await self.remove(old) }
        return true
    }

    private func tombstone(of old: LoadedSession, successor: LoadedSession, grace: Duration) -> [UInt8] {
        var record = old.record
        // R37: values that are read once went over to the new record.
        record.removeFlash()
        if grace == .zero { record.data = [] }
        record.successor = SessionRecord.Successor(
            handle: successor.handle,
            readableUntil: self.core.clock.now.advanced(by: grace)
        )
        return record.bytes
    }

    private func holds(_ bytes: [UInt8], _ handle: String) async -> Bool {
        do { return try await self.core.read(handle) == bytes } catch { return false }
    }

    /// Removes a record whose ID nobody knows, and its entry in its user's list.
    func discard(_ session: LoadedSession) async {
        await self.remove(session)
        await self.core.removeFromUserIndex(session.handle, of: session.record.user)
    }

    /// Removes a record that nobody can use any more; if that fails, its lifetime ends it.
    private func remove(_ session: LoadedSession) async {
        do { _ = try await self.core.remove(session.handle) } catch { self.core.report(.storageFailed, session.id) }
    }
}
