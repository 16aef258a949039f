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

    /// Is told of everything that happens to sessions; `nil` by default. Called in the request's own task: be quick.
    public var onActivity: (@Sendable (SessionActivity) -> Void)?

    /// Creates the defaults.
    public init() {}
}
