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
    func supersede(
        _ old: LoadedSession,
        by new: LoadedSession,
        grace: Duration = .zero
    ) async throws(SessionError) -> Bool {
        let tombstone = self.tombstone(of: old, successor: new, grace: grace)
        do {
            let ttl = max(grace, .seconds(60))
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
        await self.core.forget(session.handle, of: session.record.user)
    }

    /// Removes a record that nobody can use any more; if that fails, its life time ends it.
    private func remove(_ session: LoadedSession) async {
        do { _ = try await self.core.remove(session.handle) } catch { self.core.report(.storageFailed, session.id) }
    }
}

extension SessionCore {
    /// How many regenerations within one grace are followed.
    static let maximumSuccessors = 16

    /// Whether every write has to reach the client: its cookie's age rolls, or the cookie is the session.
    var sendsEveryWrite: Bool { self.rolling || self.records.isSealed }

    /// Ends a session for good, whatever others make of it meanwhile: also the one that took its place, if it is the same
    /// user's. A logout ends what the client is logged in to.
    func end(_ handle: String, _ bytes: [UInt8], _ record: SessionRecord) async throws(SessionError) {
        var (handle, bytes, record) = (handle, bytes, record)
        var rounds = self.options.updateAttempts
        while rounds > 0 {
            rounds -= 1
            let isRemoved = try await self.swap(handle, expected: bytes, nil, ttl: nil)
            if isRemoved {
                await self.forget(handle, of: record.user)
                guard let successor = record.successor else { return }
                handle = successor.handle
            }
            guard let present = try await self.read(handle) else { return }
            guard let next = SessionRecord(present), next.user == record.user else {
                // Removed and followed to another user's session, which is not ours to end; or damaged.
                if !isRemoved { _ = try await self.remove(handle) }
                return
            }
            (bytes, record) = (present, next)
        }
        _ = try await self.remove(handle)
        await self.forget(handle, of: record.user)
    }

    /// Reads a record that is not the request's own; `nil` if there is none that can be read.
    func record(_ handle: String) async throws(SessionError) -> SessionRecord? {
        try await self.read(handle).flatMap { SessionRecord($0) }
    }

    /// Whether a superseded record may still be read: in its grace, and as long as the session that took its place lives.
    func isReadable(_ record: SessionRecord) async throws(SessionError) -> Bool {
        let now = self.clock.now
        guard var successor = record.successor, now < successor.readableUntil else { return false }
        for _ in 0..<Self.maximumSuccessors {
            guard let next = try await self.record(successor.handle), next.user == record.user,
                now < next.deadline(self.limits)
            else { return false }
            guard next.isSuperseded else { return true }
            guard let further = next.successor else { return false }
            successor = further
        }
        return false
    }
}
