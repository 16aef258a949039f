import KVStorage

/// Records of sessions that were moved to a new ID, and the ones that replaced them.
extension SessionCore {
    /// How many regenerations within one grace are followed.
    static let maximumSuccessors = 16

    /// Ends a session for good, whatever others make of it meanwhile: also the one that took its place, if it is the same
    /// user's. A logout ends what the client is logged in to.
    func end(_ handle: String, _ bytes: [UInt8], _ record: SessionRecord) async throws(SessionError) {
        var (handle, bytes, record) = (handle, bytes, record)
        var rounds = self.options.updateAttempts
        while rounds > 0 {
            rounds -= 1
            let isRemoved = try await self.remove(handle, expected: bytes)
            if isRemoved {
                await self.removeFromUserIndex(handle, of: record.user)
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
        await self.removeFromUserIndex(handle, of: record.user)
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
