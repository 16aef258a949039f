/// Writes the `Set-Cookie` values of one session: made once when configured, as only value and age change.
struct CookieWriter: Sendable {
    /// What RFC 6265bis lets a browser keep of name and value together.
    static let maximumBytes = 4096
    /// The longest life that RFC 6265bis lets a browser give a cookie: 400 days.
    static let maximumAge: Int64 = 400 * 86_400

    let name: String
    let secure: CookieAttributes.Secure
    private let persistent: Bool
    private let start: String
    private let attributes: String

    /// Takes attributes that were found possible.
    init(name: String, _ attributes: CookieAttributes) {
        self.name = name
        self.secure = attributes.secure
        self.persistent = attributes.persistent
        self.start = name + "="
        var text = "; Path=\(attributes.path)"
        if let domain = attributes.domain { text += "; Domain=\(domain)" }
        if attributes.httpOnly { text += "; HttpOnly" }
        text += "; SameSite=\(attributes.sameSite.rawValue)"
        if attributes.partitioned { text += "; Partitioned" }
        self.attributes = text
    }

    /// Returns the field's value; `maxAge` in seconds is cut at 400 days and left out for browser-session cookies.
    /// R22: throws if the browser would drop it. `isPersistent` says which it is, `nil` as configured.
    func set(
        _ value: String, maxAge: Int64, isPersistent: Bool? = nil, secure: Bool
    ) throws(SessionError) -> String {
        let count = self.name.utf8.count + value.utf8.count
        guard count <= Self.maximumBytes else {
            throw SessionError(
                .tooLarge,
                "the cookie \(self.name) would take \(count) bytes, browsers keep \(Self.maximumBytes); keep less in it"
            )
        }
        let age = isPersistent ?? self.persistent ? "; Max-Age=\(min(max(maxAge, 1), Self.maximumAge))" : ""
        return self.start + value + age + self.attributes + (secure ? "; Secure" : "")
    }

    /// R14: returns the field's value that removes the cookie: same name, path, domain and marks, or browsers ignore it.
    func remove(secure: Bool) -> String {
        self.start + "; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT" + self.attributes
            + (secure ? "; Secure" : "")
    }

    /// Whether a `Set-Cookie` value sets this cookie.
    func names(_ field: String) -> Bool {
        field.utf8.starts(with: self.start.utf8)
    }
}
