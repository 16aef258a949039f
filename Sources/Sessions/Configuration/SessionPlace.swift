public import KVStorage

/// Where sessions are kept: in a storage, or in their clients' cookies.
public struct SessionPlace: Sendable {
    enum Kind: Sendable {
        case storage(Storage, SessionSecrets)
        case cookie([SealingKey], revocations: Storage?)
    }

    let kind: Kind
    /// What its storage may be although sessions are worse for it.
    let allowed: Capabilities.Feature

    private init(_ kind: Kind, allowing allowed: Capabilities.Feature) {
        self.kind = kind
        self.allowed = allowed
    }

    /// The secret or key that makes what is new.
    var firstSecret: [UInt8] {
        switch self.kind {
        case .storage(_, let secrets): secrets.texts.first.map { Array($0.utf8) } ?? []
        case .cookie(let keys, _): keys.first?.bytes ?? []
        }
    }

    /// The storage, if there is one.
    var storage: Storage? {
        switch self.kind {
        case .storage(let storage, _): storage
        case .cookie(_, let revocations): revocations
        }
    }

    /// A storage keeps a record under the hash of each session's random ID; the client's cookie holds the ID, signed.
    ///
    /// A storage that sessions are worse for is refused when it is configured, and by ``useSession(_:_:)`` if it becomes so later,
    /// as by a mount: one that evicts loses sessions, or what revocations change, which ends all sessions of a user; one
    /// whose reads may be old (`.cached`, an overlay, a replica) lets a session that was ended go on for a while; one that
    /// discards or is read-only keeps none.
    /// - Parameters:
    ///   - storage: Where records are kept, in keys that start with the sessions' name. Give sessions a place of their own
    ///     with `storage.prefixed("sessions")`.
    ///   - secrets: What signs the cookies: at least one secret, each of at least 32 bytes.
    ///   - allowed: What the storage may be all the same: any of `.evicts`, `.readsMayBeOld`, `.discards`, `.readOnly`; none by
    ///     default.
    public static func storage(
        _ storage: Storage,
        secrets: SessionSecrets,
        allowing allowed: Capabilities.Feature = []
    ) -> SessionPlace {
        SessionPlace(.storage(storage, secrets), allowing: allowed)
    }

    /// The client's cookie holds the session, sealed with AES-256-GCM; no storage is needed.
    ///
    /// All functions work as with a storage, within what a cookie can be: name and value take at most 4,096 bytes, more throws
    /// ``SessionError/Code/tooLarge``; of two requests that change the session at once the cookie that arrives last wins;
    /// and what a client kept stays good until its limits end it, also after ``destroySession(_:name:)`` or
    /// ``regenerateSession(_:name:)`` (A24 of <doc:Attacks>).
    ///
    /// With a `revocations` storage, ``destroySession(_:name:)`` and the login that replaces a session leave an item there until
    /// the session's limit, which every load reads: a logout is final then. ``revokeSessions(of:except:_:)`` and
    /// ``revokeAllSessions(_:)`` end authenticated users' sessions. That costs one read for each request that loads a session.
    /// ``SessionOptions/maximumPerUser`` does not hold here, and ``SessionOptions/regenerationGrace`` is refused.
    /// - Parameters:
    ///   - keys: At least one; the first seals, all open. A cookie that an old one sealed is sealed anew when it is used.
    ///   - revocations: Where it is kept what was revoked and logged out; by default `nil`: nothing can be.
    ///   - allowed: What that storage may be, as for ``storage(_:secrets:allowing:)``.
    public static func cookie(
        sealedWith keys: [SealingKey],
        revocations: Storage? = nil,
        allowing allowed: Capabilities.Feature = []
    ) -> SessionPlace {
        SessionPlace(.cookie(keys, revocations: revocations), allowing: allowed)
    }
}

extension SessionPlace: CustomStringConvertible, CustomReflectable {
    /// Which of the two it is, without secrets and keys.
    public var description: String {
        switch self.kind {
        case .storage: "storage"
        case .cookie: "cookie"
        }
    }

    /// Shows which of the two it is, without secrets and keys.
    public var customMirror: Mirror { Mirror(self, children: ["kind": self.description]) }
}
