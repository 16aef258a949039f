public import KVStorage

/// Where sessions are kept: in a storage, or in their clients' cookies.
public struct SessionPlace: Sendable {
    enum Kind: Sendable {
        case storage(Storage, SessionSecrets)
        case cookie([SealingKey], generations: Storage?)
    }

    let kind: Kind

    private init(_ kind: Kind) {
        self.kind = kind
    }

    /// A storage keeps a record under the hash of each session's random ID; the client's cookie holds the ID, signed.
    ///
    /// - Parameters:
    ///   - storage: Where records are kept, in keys that start with the sessions' name. Give sessions a place of their own
    ///     with `storage.prefixed("sessions")`.
    ///   - secrets: What signs the cookies: at least one secret, each of at least 32 bytes.
    public static func storage(_ storage: Storage, secrets: SessionSecrets) -> SessionPlace {
        SessionPlace(.storage(storage, secrets))
    }

    /// The client's cookie holds the session, sealed with AES-256-GCM; no storage is needed.
    ///
    /// All functions work as with a storage, within what a cookie can be: name and value take at most 4,096 bytes, more throws
    /// ``SessionError/Code/tooLarge``; of two requests that change the session at once the cookie that arrives last wins;
    /// and what a client kept stays good until its limits end it, also after ``destroySession(_:name:)`` or
    /// ``regenerateSession(_:name:)`` (A24 of <doc:Attacks>). With a `generations` storage,
    /// ``revokeSessions(of:except:_:)`` ends an authenticated user's sessions; that costs one read for each request that
    /// loads one. ``SessionOptions/maximumPerUser`` and ``SessionOptions/regenerationGrace`` can't hold here and are refused.
    /// - Parameters:
    ///   - keys: At least one; the first seals, all open. A cookie that an old one sealed is sealed anew when it is used.
    ///   - generations: Where revocations are counted; by default `nil`: sessions can't be revoked.
    public static func cookie(sealedWith keys: [SealingKey], generations: Storage? = nil) -> SessionPlace {
        SessionPlace(.cookie(keys, generations: generations))
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
