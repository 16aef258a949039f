import HTTPTypes
import KVStorage

extension SessionSlot {
    /// R14: removes the record, whatever it is by now, then takes the token back; from then on this request has no session and
    /// can't make one. Under ``lock``.
    ///
    /// The record's key outlives regenerations, so nothing that others make of the session meanwhile escapes. Neither data that
    /// can't be read nor an address that does not fit is in the way: every session ends whose token the client brought
    /// rightly signed.
    func destroy(_ event: SessionEvent) async throws(SessionError) {
        let ends: [Ending]
        switch self.current {
        case .live(let session), .readOnly(let session), .locked(let session):
            ends = [Ending(session)] + self.presented.others.map { Ending($0) }
        case .pending, .absent, .ended:
            ends = ([self.presented.credential].compactMap { $0 } + self.presented.others).map { Ending($0) }
        case .destroyed: return
        }
        var failure: SessionError?
        for end in ends {
            do throws(SessionError) {
                try await self.end(end)
            } catch { failure = failure ?? error }
        }
        if let failure { throw failure }
        self.current = .destroyed
        self.withdraw(event)
    }

    /// A session to be ended.
    private struct Ending {
        var id: SessionID
        var handle: String
        /// The record of a sealed session.
        var sealed: [UInt8]?
        /// Whose it is, as far as the request knows.
        var user: String?

        init(_ session: LoadedSession) {
            self.id = session.id
            self.handle = session.handle
            self.sealed = session.bytes
            self.user = session.record.user
        }

        init(_ credential: Credential) {
            self.id = credential.id
            self.handle = credential.id.handle
            self.sealed = credential.record
        }
    }

    private func end(_ end: Ending) async throws(SessionError) {
        if self.core.records.isSealed {
            guard let record = end.sealed.flatMap(self.core.parse) else { return }
            try await self.core.endSealed(end.handle, record)
            self.core.streams.end(end.handle, .loggedOut)
            self.core.report(.destroyed, end.id, handle: end.handle, user: record.user)
            return
        }
        let bytes = try await self.core.take(end.handle)
        let user = bytes.flatMap(self.core.parse)?.user ?? end.user
        await self.core.removeFromUserIndex([end.handle], of: user)
        self.core.streams.end(end.handle, .loggedOut)
        if bytes != nil { self.core.report(.destroyed, end.id, handle: end.handle, user: user) }
    }

    /// Removes a record whose ID nobody knows; if that fails, its lifetime ends it. Does so too when the request's task was
    /// cancelled, as a client that hangs up does.
    func discard(_ session: LoadedSession) async {
        await Task {
            do throws(SessionError) {
                _ = try await self.core.take(session.handle)
            } catch { self.core.report(.storageFailed, session) }
            await self.core.removeFromUserIndex([session.handle], of: session.record.user)
        }.value
    }
}
