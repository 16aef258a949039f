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
        /// It was lost under the request; nothing brings it back (R15).
        case ended
        /// The request has destroyed it; nothing brings it back (R14).
        case destroyed
    }

    let core: SessionCore
    let lock = AsyncLock()
    /// What the request brought.
    let presented: SessionCore.Presented
    /// Whether loading the session notes the activity where that is due; `false` for who only asks how long it goes on.
    let touchesOnLoad = Atomic(true)
    /// What the cookie for tokens without a session holds, if this response sends it.
    let csrfCookie = Mutex<CSRFCookie.Content?>(nil)
    private let phase: Mutex<Phase>

    /// Whether the request has a cookie of this name, good or bad.
    var hasCookie: Bool { self.presented.hasCookie }
    /// Whether the request has the token's header field, good, bad or empty.
    var hasField: Bool { self.presented.hasField }

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
    ///
    /// On an event that outlives the session's limits it is read again: somebody else may have used it since.
    func session(_ event: SessionEvent) async throws(SessionError) -> LoadedSession? {
        if case .live(let session) = self.current, self.isInTime(session) { return session }
        return try await self.loading { () async throws(SessionError) in
            if case .live(let session) = self.current, !self.isInTime(session) {
                return try await self.reread(session, event)
            }
            return try await self.load(event)
        }
    }

    /// Reads the session anew, whatever the event knows of it.
    func refetch(_ event: SessionEvent) async throws(SessionError) -> LoadedSession? {
        try await self.loading { () async throws(SessionError) in
            switch self.current {
            case .live(let session), .readOnly(let session): try await self.reread(session, event)
            case .locked, .absent, .ended, .destroyed, .pending: try await self.load(event)
            }
        }
    }

    /// Reads a session again that the event has read; if it is gone by now, it stays gone for the event. A sealed one is what
    /// its cookie was last.
    private func reread(_ session: LoadedSession, _ event: SessionEvent) async throws(SessionError) -> LoadedSession? {
        let before = self.current
        let record = self.core.records.isSealed ? session.bytes : nil
        self.current = .pending(Credential(id: session.id, signer: 0, record: record))
        do {
            if let present = try await self.load(event) { return present }
        } catch {
            if case .pending = self.current { self.current = before }
            throw error
        }
        if case .absent = self.current { self.current = .ended }
        return nil
    }

    private func loading(
        _ load: () async throws(SessionError) -> LoadedSession?
    ) async throws(SessionError) -> LoadedSession? {
        try await self.lock.withLock { () async throws(SessionError) -> LoadedSession? in
            do throws(SessionError) {
                return try await load()
            } catch {
                // R29: by default a failing storage is not "no session".
                guard error.code == .storage, self.core.options.storageFailure == .noSession else { throw error }
                self.core.report(.storageFailed)
                return nil
            }
        }
    }

    private func isInTime(_ session: LoadedSession) -> Bool {
        self.core.clock.now < self.core.deadline(session.record)
    }

    /// Adopts what was just written and lets the client know of it where it has to.
    func adopt(_ session: LoadedSession, sending: Bool, _ event: SessionEvent) throws(SessionError) {
        if sending { try self.send(session, event) }
        self.current = .live(session)
    }

    /// Sends the client the token of its session, in the way that it named it itself. Once the response's head was sent, that
    /// waits for the next request: whatever needs it now has asked ``requireHead(_:)`` before.
    func send(_ session: LoadedSession, _ event: SessionEvent) throws(SessionError) {
        guard !event.isHeadSent else { return }
        let (token, cookie) = try self.cookie(of: session, event)
        if let field = self.core.tokenField?.response, self.hasField { event.setToken(token, field) }
        if self.hasCookie || !self.hasField { event.setCookie(cookie, self.core.cookie) }
    }

    /// Returns a session's token and the cookie that holds it; throws if no browser would keep that.
    func cookie(of session: LoadedSession, _ event: SessionEvent) throws(SessionError) -> (token: String, field: String)
    {
        let token: String
        switch self.core.records {
        case .storage: token = SignedToken.text(for: session.id, signer: self.core.signer)
        case .cookie(let sealer): token = try sealer.seal(session.bytes)
        }
        let end = self.core.rolling ? self.core.deadline(session.record) : self.core.end(session.record)
        let cookie = try self.core.cookie.set(
            PercentEncoding.encode(token),
            maxAge: SessionLimits.wholeSeconds(from: self.core.clock.now, to: end),
            isPersistent: session.record.isPersistent,
            secure: self.core.isSecure(event)
        )
        return (token, cookie)
    }

    /// R14: takes the token from the client, if it has one, and takes back what was to be sent.
    func withdraw(_ event: SessionEvent) {
        guard !event.isHeadSent else { return }
        if let field = self.core.tokenField?.response, self.hasField { event.setToken("", field) }
        if self.hasCookie {
            event.setCookie(self.core.cookie.remove(secure: self.core.isSecure(event)), self.core.cookie)
        } else {
            event.unsetCookie(self.core.cookie)
        }
    }

    /// R24: throws if what is to come needs a cookie that can't be sent any more; before anything is changed.
    func requireHead(_ event: SessionEvent) throws(SessionError) {
        guard event.isHeadSent else { return }
        throw SessionError(
            .headSent,
            "the response's head was sent, so that the client can't get the cookie that this takes; nothing was changed. "
                + "Do it before the response begins"
        )
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

    /// The error of a call that needs the application's data and can't read it.
    var undecodable: SessionError {
        SessionError(
            .undecodable,
            "the session's data is not of the type \(self.core.type.description) in its version \(self.core.type.version); "
                + "it was left as it is. Give the configuration a migrate closure, or destroy the session"
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
