/// Where a client without cookies, a program or an app, sends its session's token and gets a new one.
///
///     options.tokenField = "X-Session-Token"
///
/// A field of its own works in both directions. A client asks for a token by sending it empty, and finds it in the answer to
/// the request that made the session, here a login; from then on it sends it with every request:
///
///     curl -i -H "X-Session-Token;" -d name=ada -d password=… https://example.org/api/token
///     curl -H "X-Session-Token: s:Zm…" https://example.org/api/orders
///
/// With ``bearer`` the token is taken as in RFC 6750, and comes in the field `X-Session-Token`; the scheme alone asks:
///
///     curl -i -H "Authorization: Bearer" -d name=ada -d password=… https://example.org/api/token
///     curl -H "Authorization: Bearer s:Zm…" https://example.org/api/orders
///
/// A token changes with the session's ID: whoever gets the field in an answer has to go on with that one, or with none if it is
/// empty.
public struct SessionTokenField: Sendable, Hashable, ExpressibleByStringLiteral {
    enum Kind: Sendable, Hashable {
        case header(String)
        case bearer
    }

    let kind: Kind

    private init(_ kind: Kind) {
        self.kind = kind
    }

    /// A header field of that name, in requests and answers. ``SessionConfig`` refuses names that browsers, caches or proxies
    /// use for something else, `Cookie` or `Host` for instance.
    public static func header(_ name: String) -> SessionTokenField {
        SessionTokenField(.header(name))
    }

    /// `Authorization: Bearer`, exactly one, the scheme in any case; answers bring a new token in `X-Session-Token`.
    ///
    /// Other schemes are the application's. Several `Authorization` fields are none. An answer with the status 401 should
    /// have ``SessionEvent/authenticationChallenge``.
    public static let bearer = SessionTokenField(.bearer)

    /// Creates ``header(_:)``.
    public init(stringLiteral name: String) {
        self.init(.header(name))
    }
}
