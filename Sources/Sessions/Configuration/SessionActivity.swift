/// Something that happened to a session, for logs and alarms (R35).
///
///     options.onActivity = { logger.info("\($0.name)", metadata: $0.metadata.mapValues { "\($0)" }) }
public struct SessionActivity: Sendable, Hashable {
    /// What happened.
    public enum Kind: Sendable, Hashable {
        /// A session was created.
        case created
        /// Another library's session was taken over, see ``SessionAdoption``.
        case adopted
        /// A request loaded its session.
        case loaded
        /// The session got a new ID.
        case regenerated
        /// A user was authenticated, and the session got a new ID.
        case authenticated
        /// The session was destroyed by its own request.
        case destroyed
        /// The session was ended by ``revokeSessions(of:except:_:)`` or ``revokeSession(_:of:_:)``, or as its user's oldest
        /// by ``SessionOptions/maximumPerUser``.
        case revoked
        /// A session was found past its idle or absolute timeout, and removed.
        case expired
        /// A request's token was not accepted; the request has no session.
        case rejected(Rejection)
        /// An update lost against another one and was tried again, or gave up with ``SessionError/Code/conflict``.
        case conflict
        /// The storage failed while the request could go on: renewing the note of the last activity, for instance.
        case storageFailed
    }

    /// Why a token was not accepted.
    public enum Rejection: String, Sendable, Hashable {
        /// It is not of the form that this layer writes.
        case malformed
        /// None of the secrets signed it.
        case forged
        /// The request carries several different tokens that are all signed.
        case ambiguous
        /// It is right, but there is no such session: ended, or made up by who knows a secret.
        case unknown
        /// It was good once, and its user's sessions, all sessions, or those of its identifier were revoked since; also if
        /// what says so was lost.
        case revoked
        /// Its session lives, but under a newer ID: the client missed the answer that had it, or the cookie was stolen and
        /// one of the two who use it has moved on. See ``SessionOptions/onReplay``.
        case replayed
        /// The request comes from another address than the session was made for.
        case address
        /// The session's record can't be read as what the configuration says; it is left to its lifetime.
        case undecodable
    }

    /// What happened.
    public let kind: Kind
    /// The session's name, as configured.
    public let session: String
    /// A salted hash of the ID, which follows one session through a log and is of no other use; `nil` where there is no ID.
    public let tag: String?
    /// The session's handle as in ``SessionInfo/handle``, where it is known.
    public let handle: String?
    /// Whose session it is, where that is known.
    public let user: String?

    /// A word for the kind, as in `session.created`.
    public var name: String {
        switch self.kind {
        case .created: "session.created"
        case .adopted: "session.adopted"
        case .loaded: "session.loaded"
        case .regenerated: "session.regenerated"
        case .authenticated: "session.authenticated"
        case .destroyed: "session.destroyed"
        case .revoked: "session.revoked"
        case .expired: "session.expired"
        case .rejected: "session.rejected"
        case .conflict: "session.conflict"
        case .storageFailed: "session.storage_failed"
        }
    }

    /// The rest as text by name, in the shape that swift-log takes.
    public var metadata: [String: String] {
        var metadata = ["session": self.session]
        metadata["tag"] = self.tag
        metadata["handle"] = self.handle
        metadata["user"] = self.user
        if case .rejected(let reason) = self.kind { metadata["reason"] = reason.rawValue }
        return metadata
    }
}
