/// How a session ended that somebody waited on.
public enum SessionEnd: Sendable, Hashable {
    /// Its own client logged out. Also if another machine ended it and nothing is left that would tell how.
    case loggedOut
    /// It was ended by ``revokeSession(_:of:_:)``, ``revokeSessions(of:except:_:)`` or the like.
    case revoked
    /// It was its user's oldest, over ``SessionOptions/maximumPerUser``.
    case overLimit
    /// There was no activity for too long.
    case idle
    /// Its absolute limit has passed.
    case tooOld
    /// Another user logged in with the same client, or a user where there was none.
    case replaced
    /// There was no session to begin with.
    case none
}
