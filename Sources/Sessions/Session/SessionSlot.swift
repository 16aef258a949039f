import HTTPTypes
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
        /// It has a new ID already, and the old one may still read (``SessionOptions/regenerationGrace``).
        case readOnly(LoadedSession)
        /// It is there, but the request comes from elsewhere: only logging in again opens it.
        case locked(LoadedSession)
        /// It was destroyed by this request or lost under it; nothing brings it back (R14, R15).
        case ended
    }

    let core: SessionCore
    let lock = AsyncLock()
    /// Whether the request has a cookie of this name, good or bad.
    let hasCookie: Bool
    /// Whether the request has the token's header field, good, bad or empty.
    let hasField: Bool
    private let phase: Mutex<Phase>

    init(_ core: SessionCore, _ presented: SessionCore.Presented) {
        self.core = core
        self.hasCookie = presented.hasCookie
        self.hasField = presented.hasField
        self.phase = Mutex(.pending(presented.credential))
    }

    /// Where the request stands; written under ``lock`` only.
    var current: Phase {
        get { self.phase.withLock { $0 } }
        set { self.phase.withLock { $0 = newValue } }
    }

    /// Returns the application's type if it is this one.
    func type<Value>(_: Value.Type) throws(SessionError) -> SessionType<Value> {
        guard let type = self.core.type as? SessionType<Value> else {
            throw SessionError(
                .typeMismatch,
                "the session \(self.core.name) holds \(self.core.type.description), not \(Value.self); "
                    + "with several sessions on one event, name the one that is meant"
            )
        }
        return type
    }

    /// R42: returns the session, loading it once however many tasks ask; `nil` if there is none.
    func session(_ event: SessionEvent) async throws(SessionError) -> LoadedSession? {
        if case .live(let session) = self.current { return session }
        return try await self.lock.withLock { () async throws(SessionError) -> LoadedSession? in
            do throws(SessionError) {
                return try await self.load(event)
            } catch {
                // R29: by default a failing storage is not "no session".
                guard error.code == .storage, self.core.options.storageFailure == .noSession else { throw error }
                self.core.report(.storageFailed, nil)
                return nil
            }
        }
    }

    /// Adopts what was just written and lets the client know of it where it has to.
    func adopt(_ session: LoadedSession, sending: Bool, _ event: SessionEvent) throws(SessionError) {
        if sending { try self.send(session, event) }
        self.current = .live(session)
    }

    /// Sends the client the token of its session, in the way that it named it itself.
    func send(_ session: LoadedSession, _ event: SessionEvent) throws(SessionError) {
        let token: String
        switch self.core.records {
        case .storage: token = SignedToken.text(for: session.id, signer: self.core.signer)
        case .cookie(let sealer): token = try sealer.seal(session.bytes)
        }
        let limits = self.core.limits
        let end = self.core.rolling ? session.record.deadline(limits) : session.record.end(limits)
        let cookie = try self.core.cookie.set(
            PercentEncoding.encode(token),
            maxAge: SessionLimits.wholeSeconds(from: self.core.clock.now, to: end),
            secure: self.core.isSecure(event)
        )
        if let field = self.core.tokenField, self.hasField { event.setToken(token, field) }
        if self.hasCookie || !self.hasField { event.setCookie(cookie, self.core.cookie) }
    }

    /// R14: takes the token from the client, if it has one, and takes back what was to be sent.
    func withdraw(_ event: SessionEvent) {
        if let field = self.core.tokenField, self.hasField { event.setToken("", field) }
        if self.hasCookie {
            event.setCookie(self.core.cookie.remove(secure: self.core.isSecure(event)), self.core.cookie)
        } else {
            event.unsetCookie(self.core.cookie)
        }
    }

    /// The error of an update whose session ended.
    static var gone: SessionError {
        SessionError(
            .gone,
            "the session was destroyed, revoked, regenerated or expired meanwhile; nothing was written, log in again"
        )
    }

    /// The error of a request from elsewhere.
    static var locked: SessionError {
        SessionError(
            .reauthenticationRequired,
            "the request comes from another address than the session was made for; log in again to go on with it"
        )
    }

    /// The error of a write that lost too often.
    var conflict: SessionError {
        let attempts = self.core.options.updateAttempts
        return SessionError(
            .conflict,
            "others changed the session during all of \(attempts) attempts; nothing was written, try again"
        )
    }
}
