/// The limits of sessions whose users chose to be remembered, see ``SessionOptions/persistent``.
public struct PersistentLogin: Sendable, Hashable {
    /// The absolute timeout, counted from the login, whatever happens; 30 days by default.
    public var maxAge: Duration
    /// The time without activity that ends the session; `nil`, the default: none.
    public var idleTimeout: Duration?

    /// Creates limits.
    public init(maxAge: Duration = .seconds(30 * 86_400), idleTimeout: Duration? = nil) {
        self.maxAge = maxAge
        self.idleTimeout = idleTimeout
    }
}
