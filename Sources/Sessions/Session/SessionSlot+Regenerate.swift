import KVStorage

extension SessionSlot {
    /// R12: gives the session a new secret. Under ``lock``.
    ///
    /// That is one compare-and-swap of its record: whatever fails, the client holds exactly one token that works, unless
    /// both the answer and the read after it are lost. R13: the absolute limit still runs from where it did.
    func regenerate(_ event: SessionEvent) async throws(SessionError) {
        try self.requireHead(event)
        switch self.current {
        case .ended, .destroyed: throw Self.gone
        case .pending, .absent, .live, .readOnly, .locked: break
        }
        _ = try await self.load(event)
        for _ in 0..<self.core.options.updateAttempts {
            guard let old = try await self.writable() else { return }
            var record = old.record
            let now = self.core.clock.now
            record.seen = max(now, record.seen)
            let grace = self.core.options.regenerationGrace
            record.previous =
                grace > .zero
                ? SessionRecord.Previous(readableUntil: now.advanced(by: grace), secret: old.id.secretHash) : nil
            if let new = try await self.renew(old, record) {
                try self.adopt(new, sending: true, event)
                self.core.report(.regenerated, new)
                return
            }
            try await self.reload(old)
        }
        throw self.conflict
    }

    /// Writes the record over the one that was read, with a new secret; `nil` if that was changed meanwhile.
    func renew(_ old: LoadedSession, _ record: SessionRecord) async throws(SessionError) -> LoadedSession? {
        var record = record
        let id = self.core.ids.renewed(old.id)
        self.core.modernise(&record, id)
        if self.core.records.isSealed { record.id = id } else { record.secret = id.secretHash }
        try self.checkSize(record)
        let bytes = record.bytes
        let secret = record.secret
        let isWritten = try await self.core.swap(
            old.handle, expected: old.bytes, bytes, ttl: self.storageLife(record),
            // Somebody may have noted something in it by the time that it is read again.
            isOurs: { $0.secret != nil && $0.secret == secret })
        return isWritten ? old.with(record, bytes: bytes, id: id) : nil
    }
}
