/// The attributes of a session's cookie (RFC 6265bis).
///
/// The defaults are what OWASP and NIST SP 800-63B ask for: `Secure`, `HttpOnly`, `SameSite=Lax`, `Path=/`, no `Domain`, and
/// with these the name prefix `__Host-`. What browsers would ignore or drop is refused by ``SessionConfig``, as far as a server
/// can know it: public suffixes are the browsers' matter.
public struct CookieAttributes: Sendable, Hashable {
    /// When the cookie is marked `Secure`.
    public enum Secure: Sendable, Hashable {
        /// Always. Browsers take such cookies from `https`; Chromium and Firefox from `http://localhost` too, Safari does
        /// not: to develop with Safari on plain HTTP takes ``automatic``.
        case always
        /// When the connection is secure, or a trusted proxy says that the client's is.
        case automatic
        /// Never.
        case never
    }

    /// Which requests from other sites carry the cookie.
    public enum SameSite: String, Sendable, Hashable {
        /// Only navigations by link.
        case lax = "Lax"
        /// None.
        case strict = "Strict"
        /// All; needs ``Secure/always``.
        case none = "None"
    }

    /// The name prefix by which a browser vouches for the cookie's attributes.
    public enum Prefix: Sendable, Hashable {
        /// `__Host-` where the other attributes allow it, else none.
        case automatic
        /// None; the name stays as given.
        case none
        /// `__Secure-`: set over a secure connection.
        case secure
        /// `__Host-`: set by this very host, for all its paths, over a secure connection.
        case host
        /// `__Http-`: set by a server's response, never by a script, over a secure connection; needs ``httpOnly``.
        ///
        /// This one and ``hostHTTP`` are of draft-ietf-httpbis-layered-cookies. Browsers that don't know them yet take the
        /// cookie like any other, so that nothing is lost but their word for it.
        case http
        /// `__Host-Http-`: what ``host`` and ``http`` say together. Older browsers see a `__Host-` name in it.
        case hostHTTP
    }

    /// When the cookie is marked `Secure`; ``Secure/always`` by default.
    public var secure: Secure
    /// Whether scripts are kept from the cookie; `true` by default. The cookie of ``csrfToken(_:name:)`` always is.
    public var httpOnly: Bool
    /// Which requests from other sites carry the cookie; ``SameSite/lax`` by default.
    public var sameSite: SameSite
    /// The path below which the cookie is sent; `/` by default.
    public var path: String
    /// The domain whose hosts all get the cookie; by default `nil`: this host alone.
    public var domain: String?
    /// Whether the cookie is kept apart for each top-level site that embeds this one (CHIPS); `false` by default.
    public var partitioned: Bool
    /// Whether the cookie outlives the browser's session; `true` by default. With `false` no `Max-Age` is sent; the
    /// server's limits hold all the same.
    public var persistent: Bool
    /// The name prefix; ``Prefix/automatic`` by default.
    public var prefix: Prefix

    /// Creates attributes; the defaults are the strict ones.
    public init(
        secure: Secure = .always,
        httpOnly: Bool = true,
        sameSite: SameSite = .lax,
        path: String = "/",
        domain: String? = nil,
        partitioned: Bool = false,
        persistent: Bool = true,
        prefix: Prefix = .automatic
    ) {
        self.secure = secure
        self.httpOnly = httpOnly
        self.sameSite = sameSite
        self.path = path
        self.domain = domain
        self.partitioned = partitioned
        self.persistent = persistent
        self.prefix = prefix
    }
}
