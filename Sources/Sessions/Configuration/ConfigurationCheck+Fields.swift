import HTTPTypes

extension ConfigurationCheck {
    /// R38: a header field that may carry a token: one that no browser, cache or proxy sends or sets by itself.
    ///
    /// Whoever can send it must have been allowed to (CORS), as ``verifyCSRF(_:token:name:)`` relies on that; and what the
    /// response holds under its name is the token's alone.
    static func tokenField(_ name: String) throws(SessionError) -> HTTPField.Name {
        let field = try self.fieldName(name)
        let canonical = field.canonicalName
        guard !self.reserved.contains(canonical), !self.reservedPrefixes.contains(where: canonical.hasPrefix) else {
            throw self.invalid(
                "\(name) means something else to browsers, caches or proxies; give tokens a field of their own, "
                    + "as X-Session-Token, or take them as .bearer")
        }
        return field
    }

    /// The forbidden request-header names of the Fetch Standard (§2.2.2) but for its prefixes, its safelisted ones, and the
    /// fields of RFC 9110 to 9112 that requests and responses have for other purposes.
    private static let reserved: Set<String> = [
        "accept", "accept-charset", "accept-encoding", "accept-language", "accept-ranges", "age", "allow", "alt-svc",
        "authentication-info", "authorization", "cache-control", "connection", "content-encoding", "content-language",
        "content-length", "content-location", "content-range", "content-security-policy", "content-type", "cookie",
        "cookie2", "date", "dnt", "etag", "expect", "expires", "forwarded", "from", "host", "http2-settings",
        "if-match",
        "if-modified-since", "if-none-match", "if-range", "if-unmodified-since", "keep-alive", "last-modified",
        "location", "max-forwards", "origin", "pragma", "priority", "range", "referer", "retry-after", "save-data",
        "server", "set-cookie", "set-cookie2", "strict-transport-security", "te", "trailer", "transfer-encoding",
        "upgrade", "upgrade-insecure-requests", "user-agent", "vary", "via", "warning", "width", "www-authenticate",
        "viewport-width", "device-memory", "downlink", "dpr", "ect", "rtt", "x-content-type-options", "x-forwarded",
        "x-frame-options", "x-real-ip", "x-requested-with",
    ]
    private static let reservedPrefixes = ["access-control-", "proxy-", "sec-", "x-forwarded-"]
}
