/// The name prefixes by which browsers vouch for a cookie's attributes: `__Secure-` and `__Host-` (RFC 6265bis §4.1.3),
/// `__Http-` and `__Host-Http-` (draft-ietf-httpbis-layered-cookies).
///
/// A browser compares them without regard to case, so a name is looked at in the same way.
enum CookiePrefix: String, CaseIterable {
    // The longer one first: a name that has it has `__Host-` as well.
    case hostHTTP = "__Host-Http-"
    case host = "__Host-"
    case secure = "__Secure-"
    case http = "__Http-"

    /// Returns the prefix that the name has.
    init?(of name: String) {
        let bytes = name.utf8.map(Self.lowercased)
        let prefix = Self.allCases.first { bytes.starts(with: $0.rawValue.utf8.map(Self.lowercased)) }
        guard let prefix else { return nil }
        self = prefix
    }

    /// Returns the cookie's name: with the prefix that is asked for, unless it has it, or a stricter one, already.
    static func add(_ prefix: CookieAttributes.Prefix, to name: String, allowsHost: Bool) -> String {
        let present = CookiePrefix(of: name)
        switch prefix {
        case .automatic: return allowsHost && present == nil ? Self.host.rawValue + name : name
        case .none: return name
        case .secure: return present == nil ? Self.secure.rawValue + name : name
        case .host: return present == .host || present == .hostHTTP ? name : Self.host.rawValue + name
        case .http: return present == .http || present == .hostHTTP ? name : Self.http.rawValue + name
        case .hostHTTP: return present == .hostHTTP ? name : Self.hostHTTP.rawValue + name
        }
    }

    /// R18: throws if a browser would drop a cookie of that name.
    static func check(_ name: String, isSecure: Bool, allowsHost: Bool, isHTTPOnly: Bool) throws(SessionError) {
        guard let prefix = CookiePrefix(of: name) else { return }
        if prefix == .host || prefix == .hostHTTP, !allowsHost {
            throw ConfigurationCheck.invalid(
                "browsers drop \(prefix.rawValue) cookies without Secure, with a Domain, or with a Path other than /")
        }
        if !isSecure {
            throw ConfigurationCheck.invalid(
                "browsers drop \(prefix.rawValue) cookies without Secure; set secure to .always")
        }
        if prefix == .http || prefix == .hostHTTP, !isHTTPOnly {
            throw ConfigurationCheck.invalid("browsers drop \(prefix.rawValue) cookies without HttpOnly")
        }
    }

    private static func lowercased(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }
}
