import HTTPTypes
import Synchronization

/// What a configuration has against requests that other sites' pages make a browser send.
struct ForgeryProtection: Sendable {
    let tokens: CSRFTokens
    let cookie: CSRFCookie
    /// The header field that brings a token.
    let field: HTTPField.Name
    /// The hosts that this server goes by; `nil` for any.
    let hosts: HostList?

    init(
        secrets: [[UInt8]],
        cookieName: String,
        _ options: SessionOptions,
        maxAge: Int64
    ) throws(SessionError) {
        self.tokens = CSRFTokens(secrets: secrets, cookieName: cookieName)
        self.cookie = CSRFCookie(secrets: secrets, cookieName: cookieName, options.cookie, maxAge: maxAge)
        self.field = try ConfigurationCheck.tokenField(options.csrfField)
        self.hosts = try options.hosts.map { (hosts) throws(SessionError) in try HostList(hosts) }
    }
}

extension SessionSlot {
    /// Returns what the request's tokens belong to; `nil` if there is neither a session nor the cookie of those without one.
    func tokenOwner(_ event: SessionEvent) async throws(SessionError) -> CSRFTokens.Owner? {
        if let session = try await self.sessionForTokens(event) { return .session(session.id) }
        if let content = self.csrfCookie.withLock({ $0 }) { return .cookie(content) }
        return self.core.forgery.cookie.presented(by: event).map { .cookie($0.content) }
    }

    /// Returns what new tokens belong to: without a session it is the cookie, which is sent where it is missing.
    func tokenOwnerForPage(_ event: SessionEvent) async throws(SessionError) -> CSRFTokens.Owner {
        if let session = try await self.sessionForTokens(event) { return .session(session.id) }
        let presented = self.core.forgery.cookie.presented(by: event)
        if let presented, !presented.isOld { return .cookie(presented.content) }
        try self.requireHead(event)
        let cookie = self.core.forgery.cookie
        let content = presented?.content ?? CSRFCookie.Content()
        let field = try cookie.set(content, secure: self.core.isSecure(event))
        // However many tasks ask, one cookie is sent, and it is set before the first of them has its token.
        return self.csrfCookie.withLock { sent in
            if let sent { return .cookie(sent) }
            event.setCookie(field, cookie.writer)
            sent = content
            return .cookie(content)
        }
    }

    /// Returns the session that tokens belong to. From an address that it is not open to there is none: its user has to be
    /// able to send the form that logs in again.
    private func sessionForTokens(_ event: SessionEvent) async throws(SessionError) -> LoadedSession? {
        do {
            return try await self.session(event)
        } catch {
            guard error.code == .reauthenticationRequired else { throw error }
            return nil
        }
    }
}
