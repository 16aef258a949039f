/// What few applications have to change about their sessions, with its defaults.
public struct SessionOptions: Sendable {
    /// The largest data that a session may hold, in bytes as encoded; 65,536 by default. More throws
    /// ``SessionError/Code/tooLarge``, and nothing is written.
    public var maximumDataBytes = 65_536

    /// How old the note of the last activity may become before a request that only reads renews it.
    ///
    /// By default a tenth of the idle timeout, at most a minute. An idle session ends up to this much early, and reading
    /// one writes at most this often. Without an idle timeout, reading never writes.
    public var touchInterval: Duration?

    /// How often an update may lose against others of the same session before it throws ``SessionError/Code/conflict``;
    /// 256 by default. Each lost attempt means that somebody else's update went through.
    public var updateAttempts = 256

    /// The version of the application's data type; 1 by default. Data of another version is given to the configuration's
    /// `migrate` closure, or counts as no session if there is none.
    public var dataVersion = 1

    /// How long the old ID may still read after ``regenerateSession(_:name:)``, for requests that were under way; none by
    /// default. What it reads is the session as it was then; it writes nothing, and it is dead once the new session is.
    ///
    /// Log in with ``authenticateSession(_:user:name:)``, which never leaves a grace: a cookie that was planted on somebody
    /// who then logs in must not see what the login brought.
    public var regenerationGrace: Duration = .zero

    /// How many sessions a user may have; no limit by default. One more login ends the oldest.
    public var maximumPerUser: Int?

    /// Whom to believe what they say of the client; nobody by default.
    public var proxies = TrustedProxies.none

    /// Binds sessions to the client's address; `nil` by default.
    public var pinning: AddressPinning?

    /// The header field in which a client without cookies may send and gets its token; `nil` by default: none.
    ///
    /// A client asks for it by sending the field, empty at first. If a field and a cookie both name a session, they have to
    /// name the same one, or the request has none (R38).
    public var tokenField: String?

    /// The header field in which ``verifyCSRF(_:token:name:)`` looks for the token.
    public var csrfField = "X-CSRF-Token"

    /// What ``getSession(_:as:name:)`` answers when the storage fails. By default it throws; ``StorageFailure/noSession``
    /// lets pages that need no session go on. Writing throws either way.
    public var storageFailure = StorageFailure.fail

    /// What reading a session does when the storage fails (R29).
    public enum StorageFailure: Sendable, Hashable {
        /// Throws ``SessionError/Code/storage``.
        case fail
        /// Answers `nil`, as if there were none, and reports it.
        case noSession
    }

    /// Is told of everything that happens to sessions; `nil` by default. Called in the request's own task: be quick.
    public var onActivity: (@Sendable (SessionActivity) -> Void)?

    /// Creates the defaults.
    public init() {}
}
