/// When a session comes into being.
public enum SessionCreation: Sendable, Hashable {
    /// With the first write: visitors, robots and health checks that change nothing leave nothing in storage. The default.
    case onFirstWrite
    /// With the first request: ``useSession(_:_:)`` reads storage and creates what is missing, as nuxt-session and
    /// analog-tools do.
    case eager
}
