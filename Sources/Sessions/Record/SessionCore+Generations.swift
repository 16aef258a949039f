import KVStorage

/// A24: a sealed session can't be removed, as it is in no storage. Where a `generations` storage is given, a user's sealed
/// sessions carry the number of their user's revocations, and are refused once that has grown.
extension SessionCore {
    private func generationKey(_ user: String) -> String { "generations:" + Self.hash(user) }

    /// Returns the number that a new sealed session of the user carries.
    func generation(of user: String) async throws(SessionError) -> Int {
        guard case .cookie(let sealer) = self.records, let storage = sealer.generations else { return 0 }
        do {
            let bytes = try await storage.getItemRaw(self.generationKey(user))
            return bytes.flatMap { Int(String(decoding: $0, as: UTF8.self)) } ?? 0
        } catch { throw SessionError(error, while: "reading a user's generation") }
    }

    /// Whether the user's sealed sessions were revoked since the record was made.
    func isRevoked(_ record: SessionRecord) async throws(SessionError) -> Bool {
        guard self.records.isSealed, let user = record.user else { return false }
        return try await self.generation(of: user) != record.generation
    }

    /// Revokes the user's sealed sessions.
    func advanceGeneration(of user: String, _ sealer: Sealer) async throws(SessionError) {
        guard let storage = sealer.generations else {
            throw SessionError(
                .notSupported,
                "sealed sessions are revoked through the `generations` storage, which their configuration does not have"
            )
        }
        do {
            _ = try await storage.incrementItem(self.generationKey(user))
        } catch { throw SessionError(error, while: "revoking a user's sessions") }
    }
}

extension SessionSlot {
    /// Lets the request's own session outlive a revocation.
    func renewGeneration(of user: String, _ event: SessionEvent) async throws(SessionError) {
        try await self.lock.withLock { () async throws(SessionError) in
            guard case .live(let session) = self.current, session.record.user == user else { return }
            var record = session.record
            record.generation = try await self.core.generation(of: user)
            try self.adopt(session.with(record, bytes: record.bytes), sending: true, event)
        }
    }
}
