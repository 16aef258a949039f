import HTTPTypes
import KVStorage

/// What makes a configuration impossible or insecure; every rule throws ``SessionError/Code/invalidConfiguration`` with
/// what to do about it.
enum ConfigurationCheck {
    /// R26, A21: enough secrets, each long enough; keys that can be told from each other.
    static func place(_ place: SessionPlace, name: String) throws(SessionError) {
        switch place.kind {
        case .storage(_, let secrets):
            guard !secrets.texts.isEmpty else {
                throw self.invalid("there is no secret; give at least one of 32 random bytes")
            }
            for secret in secrets.texts {
                guard secret.utf8.count >= 32 else {
                    throw self.invalid("a secret has \(secret.utf8.count) bytes; give at least 32 random ones")
                }
                guard !secret.utf8.elementsEqual(name.utf8) else {
                    throw self.invalid("the secret is the cookie's name, which everybody knows")
                }
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
        guard cookieName.utf8.count + valueBytes <= CookieWriter.maximumBytes else {
            throw self.invalid(
                "the name takes \(cookieName.utf8.count) bytes; with its value a cookie has \(CookieWriter.maximumBytes)"
            )
        }
    }

    /// R18, A35: attributes that browsers accept together; returns the cookie's name with its prefix.
    static func cookie(_ name: String, _ cookie: CookieAttributes) throws(SessionError) -> String {
        try self.path(cookie.path)
        if let domain = cookie.domain { try self.domain(domain) }
        let isSecure = cookie.secure == .always
        if cookie.sameSite == .none, !isSecure {
            throw self.invalid("browsers drop SameSite=None without Secure; set secure to .always")
        }
        if cookie.partitioned, !isSecure {
            throw self.invalid("browsers drop Partitioned without Secure; set secure to .always")
        }
        let allowsHost = isSecure && cookie.path == "/" && cookie.domain == nil
        let lowercased = name.lowercased()
        let hasHost = lowercased.hasPrefix("__host-")
        let hasSecure = lowercased.hasPrefix("__secure-")
        if hasHost || cookie.prefix == .host, !allowsHost {
            throw self.invalid(
                "browsers drop __Host- cookies without Secure, with a Domain, or with a Path other than /")
        }
        if hasSecure || cookie.prefix == .secure, !isSecure {
            throw self.invalid("browsers drop __Secure- cookies without Secure; set secure to .always")
        }
        switch cookie.prefix {
        case .automatic: return allowsHost && !hasHost && !hasSecure ? "__Host-" + name : name
        case .none: return name
        case .secure: return hasSecure || hasHost ? name : "__Secure-" + name
        case .host: return hasHost ? name : "__Host-" + name
        }
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
    static func field(_ name: String) throws(SessionError) -> HTTPField.Name {
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

    private static func domain(_ domain: String) throws(SessionError) {
        let isHost = domain.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."):
                true
            default: false
            }
        }
        guard isHost, domain.utf8.count <= 253, domain.utf8.contains(where: { $0 != UInt8(ascii: ".") }) else {
            throw self.invalid("the cookie's domain has to be a host name: letters, digits, hyphens and dots")
        }
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
