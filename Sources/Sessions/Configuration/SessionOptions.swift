public import KVStorage

/// What an application may decide about its sessions, with the defaults.
///
///     var options = SessionOptions()
///     options.idleTimeout = .seconds(1800)
///     options.rolling = true
///
/// ``SessionConfig`` checks them: what is impossible or insecure throws ``SessionError/Code/invalidConfiguration``.
public struct SessionOptions: Sendable {
    // MARK: Lifetime

    /// The absolute timeout, counted from creation or authentication, whatever happens; a day by default.
    public var maxAge = Duration.seconds(86_400)

    /// The time without activity that ends a session; `nil` by default: none. NIST SP 800-63B asks for at most an hour
    /// where people log in with two factors.
    public var idleTimeout: Duration?

    /// Whether the cookie's own age follows the idle timeout: it is sent again when activity is noted. `false` by default;
    /// needs an ``idleTimeout``.
    public var rolling = false

    /// How old the note of the last activity may become before a request that only reads renews it.
    ///
    /// By default a tenth of the idle timeout, at most a minute. An idle session ends up to this much early, and reading
    /// one writes at most this often. Without an idle timeout, reading never writes.
    public var touchInterval: Duration?

    /// The limits of sessions whose users chose to be remembered: those of a login with `persistent: true`. By default `nil`:
    /// they have the limits above, and a cookie that outlives the browser.
    public var persistent: PersistentLogin?

    /// How long the old ID may still read after ``regenerateSession(_:name:)``, for requests that were under way; none by
    /// default. It reads the session and writes nothing, and it is dead once the session is.
    ///
    /// Log in with ``authenticateSession(_:user:persistent:methods:identifier:label:name:)``, which never leaves a
    /// grace: a cookie that was planted on somebody who then logs in must not see what the login brought.
    public var regenerationGrace: Duration = .zero

    /// When a session comes into being; ``SessionCreation/onFirstWrite`` by default.
    public var creation = SessionCreation.onFirstWrite

    // MARK: Cookie and header fields

    /// The cookie's attributes; by default the strict ones, `Secure` among them. A site that is developed on plain HTTP needs
    /// ``CookieAttributes/Secure-swift.enum/automatic`` there: Safari wants it on localhost too, other browsers elsewhere.
    public var cookie = CookieAttributes()

    /// The header field in which a client without cookies may send and gets its token; `nil` by default: none.
    ///
    ///     options.tokenField = "X-Session-Token"  // or .bearer
    ///
    /// A client asks for a token by sending the field without one, see ``SessionTokenField``. If a field and a cookie both
    /// name a session, they have to name the same one, or the request has none (R38).
    public var tokenField: SessionTokenField?

    /// The header field in which ``verifyCSRF(_:token:name:)`` looks for the token; `X-CSRF-Token` by default.
    public var csrfField = "X-CSRF-Token"

    /// The hosts that this server goes by, for what compares a request's `Host`: ``isSameOrigin(_:allowing:name:)`` refuses
    /// others. `nil`, the default, takes any host for the right one.
    ///
    ///     options.hosts = ["example.org", "localhost:8080"]
    ///
    /// A browser sends the host that its user is at, so that nobody else's page gets past the default but by DNS rebinding: a
    /// host of the attacker's that comes to name this server's address. Servers inside a network want this list. It is
    /// compared as bytes, ASCII letters in any case; a name without a port stands for all its ports, one with a port for that
    /// port (443 with `https` and 80 with `http` need not stand in `Host`).
    public var hosts: Set<String>?

    // MARK: Data

    /// The largest data that a session may hold, in bytes as encoded; 65,536 by default. More throws
    /// ``SessionError/Code/tooLarge``, and nothing is written.
    public var maximumDataBytes = 65_536

    /// The version of the application's data type; 1 by default. Data of another version is given to the configuration's
    /// `migrate` closure, or counts as no session if there is none.
    public var dataVersion = 1

    /// How the data becomes bytes; JSON by default.
    public var codec: any StorageCodec = JSONStorageCodec()

    /// How often an update may lose against others of the same session before it throws ``SessionError/Code/conflict``;
    /// 256 by default. Each lost attempt means that somebody else's update went through.
    public var updateAttempts = 256

    // MARK: Users and clients

    /// How many sessions a user may have; 100 by default, `nil` for no limit. One more login ends the oldest, once the new
    /// session stands. The list of a user's sessions is one item, which each login reads and writes. Sealed sessions are in no
    /// list and have no limit.
    public var maximumPerUser: Int? = 100

    /// What is noted of the client when a user logs in, for ``listSessions(of:current:_:)``.
    public var devices = SessionDevices()

    /// What happens when an ID comes back that a regeneration has replaced, after its grace; ``Replay/report`` by default.
    public var onReplay = Replay.report

    /// What happens when a replaced ID comes back.
    public enum Replay: Sendable, Hashable {
        /// The request has no session, and it is reported as ``SessionActivity/Rejection/replayed``. A client that missed
        /// the answer with its new ID does this too.
        case report
        /// Besides, the session ends, for whoever of the two was not its user.
        case endFamily
    }

    /// How often it is looked whether a session that somebody waits on has ended; five seconds by default. See
    /// ``sessionEnd(_:name:)``.
    public var checkInterval = Duration.seconds(5)

    /// The reverse proxies whose `X-Forwarded-…` fields are trusted; none by default.
    public var proxies = TrustedProxies.none

    /// Binds sessions to the client's address; `nil` by default.
    public var pinning: AddressPinning?

    // MARK: Failures, reports, sources

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

    /// Is called with everything that happens to sessions; `nil` by default. It runs in the request's own task: be quick.
    public var onActivity: (@Sendable (SessionActivity) -> Void)?

    /// Where the time comes from; the system by default.
    public var clock: any StorageClock = SystemClock()

    /// Where IDs come from; the system's source by default. Anything else is for tests: an ID that can be guessed lets
    /// anybody in.
    public var generator: any RandomNumberGenerator & Sendable = SystemRandomNumberGenerator()

    /// Creates the defaults.
    public init() {}
}
