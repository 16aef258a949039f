import KVStorage
import Synchronization

/// One session of one request: what is known of it so far, and the one lock under which that changes.
final class SessionSlot: Sendable {
    /// How far the request has come with its session.
    enum Phase: Sendable {
        /// Storage was not asked yet.
        case pending(Credential?)
        /// Storage was asked, and there is none; a write creates one.
        case absent
        /// It is there.
        case live(LoadedSession)
        /// It was destroyed by this request or lost under it; nothing brings it back (R14, R15).
        case ended
    }

    let core: SessionCore
    let lock = EventLock()
    let presented: SessionCore.Presented
    private let phase: Mutex<Phase>

    init(_ core: SessionCore, _ presented: SessionCore.Presented) {
        self.core = core
        self.presented = presented
        self.phase = Mutex(.pending(presented.credential))
    }

    /// Where the request stands; written under ``lock`` only.
    var current: Phase {
        get { self.phase.withLock { $0 } }
        set { self.phase.withLock { $0 = newValue } }
    }

    /// R42: returns the session, loading it once however many tasks ask; `nil` if there is none.
    func session(_ event: SessionEvent) async throws(SessionError) -> LoadedSession? {
        if case .live(let session) = self.current { return session }
        return try await self.lock.withLock { () async throws(SessionError) in try await self.load(event) }
    }

    /// Adopts what was just written and lets the client know of it.
    func adopt(_ session: LoadedSession, sending: Bool, _ event: SessionEvent) throws(SessionError) {
        if sending { try self.send(session, event) }
        self.current = .live(session)
    }

    /// Sends the client the token of its session.
    func send(_ session: LoadedSession, _ event: SessionEvent) throws(SessionError) {
        let limits = self.core.limits
        let end = self.core.rolling ? session.record.deadline(limits) : session.record.end(limits)
        let field = try self.core.cookie.set(
            PercentEncoding.encode(SignedToken.text(for: session.id, signer: self.core.signer)),
            maxAge: SessionLimits.wholeSeconds(from: self.core.clock.now, to: end),
            secure: self.core.isSecure(event)
        )
        event.setCookie(field, self.core.cookie)
    }

    /// R14: takes the token from the client, if it has one, and takes back what was to be sent.
    func withdraw(_ event: SessionEvent) {
        if self.presented.hasCookie {
            event.setCookie(self.core.cookie.remove(secure: self.core.isSecure(event)), self.core.cookie)
        } else {
            event.unsetCookie(self.core.cookie)
        }
    }

    /// What an update is told whose session ended.
    static var gone: SessionError {
        SessionError(
            .gone,
            "the session was destroyed, revoked, regenerated or expired meanwhile; nothing was written, log in again"
        )
    }
}
