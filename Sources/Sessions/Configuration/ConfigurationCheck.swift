import HTTPTypes
import KVStorage

/// What makes a configuration impossible or insecure; every rule throws ``SessionError/Code/invalidConfiguration`` with
/// what to do about it.
enum ConfigurationCheck {
    /// R26: secrets, or keys that can be told from each other.
    static func place(_ place: SessionPlace) throws(SessionError) {
        switch place.kind {
        case .storage(_, let secrets):
            guard !secrets.texts.isEmpty else {
                throw self.invalid("there is no secret; give at least one, as openssl rand -base64 32 makes it")
            }
        case .cookie(let keys, _):
            guard !keys.isEmpty else { throw self.invalid("there is no sealing key; give at least one") }
            guard Set(keys.map(\.id)).count == keys.count else {
                throw self.invalid("two sealing keys have the same id, so that none is found by it")
            }
        }
    }

    /// R22, A35: a name that is an HTTP token and leaves room for the value.
    static func name(_ name: String, cookieName: String, valueBytes: Int) throws(SessionError) {
        guard !name.isEmpty, name.utf8.allSatisfy(self.isTokenCharacter) else {
            throw self.invalid("the name has to be an HTTP token: letters, digits and !#$%&'*+-.^_`|~")
        }
        guard !name.utf8.suffix(CSRFCookie.suffix.utf8.count).elementsEqual(CSRFCookie.suffix.utf8) else {
            throw self.invalid("a name can't end in \(CSRFCookie.suffix): so ends that of the cookie for CSRF tokens")
        }
        let longest = cookieName.utf8.count + CSRFCookie.suffix.utf8.count
        guard longest + valueBytes <= CookieWriter.maximumBytes else {
            throw self.invalid(
                "the name takes up to \(longest) bytes; with its value a cookie has \(CookieWriter.maximumBytes)"
            )
        }
    }

    /// R18, A35: attributes that browsers accept together; returns the cookie's name with its prefix.
    static func cookie(_ name: String, _ cookie: CookieAttributes) throws(SessionError) -> String {
        try self.path(cookie.path)
        if let domain = cookie.domain { try CookieDomain.check(domain) }
        let isSecure = cookie.secure == .always
        if cookie.sameSite == .none, !isSecure {
            throw self.invalid("browsers drop SameSite=None without Secure; set secure to .always")
        }
        if cookie.partitioned, !isSecure {
            throw self.invalid("browsers drop Partitioned without Secure; set secure to .always")
        }
        let allowsHost = isSecure && cookie.path == "/" && cookie.domain == nil
        let cookieName = CookiePrefix.add(cookie.prefix, to: name, allowsHost: allowsHost)
        try CookiePrefix.check(cookieName, isSecure: isSecure, allowsHost: allowsHost, isHTTPOnly: cookie.httpOnly)
        return cookieName
    }

    /// A36: limits that are positive; huge ones are cut where numbers end.
    static func times(_ options: SessionOptions) throws(SessionError) -> SessionLimits {
        guard options.maxAge > .zero else { throw self.invalid("maxAge has to be positive") }
        if let idle = options.idleTimeout, idle <= .zero {
            throw self.invalid("idleTimeout has to be positive; nil means none")
        }
        if options.rolling, options.idleTimeout == nil {
            throw self.invalid("rolling needs an idleTimeout: without one nothing moves that the cookie could follow")
        }
        if let touchInterval = options.touchInterval {
            guard touchInterval >= .zero else { throw self.invalid("touchInterval can't be negative") }
            guard let idle = options.idleTimeout, touchInterval < idle else {
                throw self.invalid("touchInterval has to be shorter than an idleTimeout, or sessions in use would end")
            }
        }
        return SessionLimits(
            absolute: options.maxAge.wholeMilliseconds,
            idle: options.idleTimeout.map(\.wholeMilliseconds)
        )
    }

    /// The limits of sessions whose users are remembered.
    static func persistentLimits(_ options: SessionOptions) throws(SessionError) -> SessionLimits? {
        guard let persistent = options.persistent else { return nil }
        guard persistent.maxAge > .zero else { throw self.invalid("persistent.maxAge has to be positive") }
        if let idle = persistent.idleTimeout, idle <= .zero {
            throw self.invalid("persistent.idleTimeout has to be positive; nil means none")
        }
        return SessionLimits(
            absolute: persistent.maxAge.wholeMilliseconds,
            idle: persistent.idleTimeout.map(\.wholeMilliseconds)
        )
    }

    /// A name of a header field.
    static func fieldName(_ name: String) throws(SessionError) -> HTTPField.Name {
        guard let field = HTTPField.Name(name) else {
            throw self.invalid("\(name) can't be the name of a header field")
        }
        return field
    }

    /// The options, by themselves and with how the sessions are kept.
    static func options(_ options: SessionOptions, in place: SessionPlace) throws(SessionError) {
        let isSealed = if case .cookie = place.kind { true } else { false }
        guard options.maximumDataBytes > 0 else { throw self.invalid("maximumDataBytes has to be positive") }
        guard options.updateAttempts > 0 else { throw self.invalid("updateAttempts has to be positive") }
        guard options.dataVersion >= 0 else { throw self.invalid("dataVersion can't be negative") }
        guard options.regenerationGrace >= .zero else { throw self.invalid("regenerationGrace can't be negative") }
        if let maximum = options.maximumPerUser {
            guard maximum > 0 else { throw self.invalid("maximumPerUser has to be positive; nil means no limit") }
        }
        guard options.checkInterval > .zero else { throw self.invalid("checkInterval has to be positive") }
        guard !isSealed || options.regenerationGrace == .zero else {
            throw self.invalid("a sealed session's old cookie can't be told from the new one: no regenerationGrace")
        }
        if let pinning = options.pinning {
            guard (0...32).contains(pinning.ipv4PrefixLength), (0...128).contains(pinning.ipv6PrefixLength) else {
                throw self.invalid("an address prefix has 0 to 32 bits in IPv4, 0 to 128 in IPv6")
            }
        }
    }

    static func invalid(_ message: String) -> SessionError {
        SessionError(.invalidConfiguration, message)
    }

    private static func path(_ path: String) throws(SessionError) {
        guard path.utf8.first == UInt8(ascii: "/"), path.utf8.count <= 1024,
            path.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: ";") })
        else { throw self.invalid("the cookie's path has to start with / and be visible ASCII without semicolons") }
    }

    static func isTokenCharacter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default:
            "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }
}
