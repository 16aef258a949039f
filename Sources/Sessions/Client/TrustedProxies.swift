import HTTPTypes

/// The reverse proxies that are trusted in what they say of the client: its address and whether its connection is secure
/// (R19, R39).
///
/// Without trusted proxies, which is the default, `X-Forwarded-…` fields are anybody's words and ignored. The list of
/// addresses is read from its end, where the nearest proxy wrote, and no further than ``hops``: what a client itself put in
/// front is never reached.
///
///     options.proxies = try TrustedProxies(networks: ["10.0.0.0/8"])
///     options.proxies = try TrustedProxies(networks: [], trustsUnixSockets: true)  // nginx with proxy_pass http://unix:…
///
/// The field `Forwarded` (RFC 7239), which says address and scheme in one, is not spoken: have the proxy write the two fields.
public struct TrustedProxies: Sendable {
    /// How many proxies stand between the client and this server; 0 means that none is trusted.
    public let hops: Int
    private let addressField: HTTPField.Name?
    private let schemeField: HTTPField.Name?
    private let networks: [IPNetwork]
    private let trustsUnixSockets: Bool

    /// No proxy is trusted.
    public static let none = TrustedProxies()

    /// Trusts proxies.
    /// - Parameters:
    ///   - hops: How many there are one behind the other, at least one.
    ///   - networks: Their addresses, as in `10.0.0.0/8` or `fd00::/8`. Empty means that whoever calls is a proxy: only right
    ///     where nobody else can reach the server. With `trustsUnixSockets` empty means that there is none.
    ///   - trustsUnixSockets: Whether a connection without an address, such as one through a Unix domain socket, is a
    ///     proxy's; `false` by default. Only right where ``SessionEvent/remoteAddress`` is `nil` for nothing else, and the
    ///     socket's file mode keeps others away.
    ///   - addressField: The field in which each proxy adds the address that it was called from.
    ///   - schemeField: The field in which a proxy says `https` or `http`.
    /// - Throws: ``SessionError/Code/invalidConfiguration``.
    public init(
        hops: Int = 1,
        networks: [String],
        trustsUnixSockets: Bool = false,
        addressField: String = "X-Forwarded-For",
        schemeField: String = "X-Forwarded-Proto"
    ) throws(SessionError) {
        guard hops > 0 else { throw ConfigurationCheck.invalid("trusted proxies need at least one hop") }
        var parsed: [IPNetwork] = []
        for network in networks {
            guard let network = IPNetwork(network) else {
                throw ConfigurationCheck.invalid("\(network) is no network such as 10.0.0.0/8 or fd00::/8")
            }
            parsed.append(network)
        }
        self.hops = hops
        self.addressField = try Self.field(addressField)
        self.schemeField = try Self.field(schemeField)
        self.networks = parsed
        self.trustsUnixSockets = trustsUnixSockets
    }

    private init() {
        self.hops = 0
        self.addressField = nil
        self.schemeField = nil
        self.networks = []
        self.trustsUnixSockets = false
    }

    private static func field(_ name: String) throws(SessionError) -> HTTPField.Name {
        let field = try ConfigurationCheck.fieldName(name)
        guard field.canonicalName != "forwarded" else {
            throw ConfigurationCheck.invalid(
                "the field Forwarded is not read; have the proxy write X-Forwarded-For and X-Forwarded-Proto instead")
        }
        return field
    }

    /// Returns the client's address, or `nil` if it is not known.
    func clientAddress(_ event: SessionEvent) -> IPAddress? {
        var current = event.remoteAddress.flatMap { IPAddress($0) }
        guard let addressField = self.addressField else { return current }
        var entries = event.request.headerFields[values: addressField].flatMap(HTTPFields.members)
        for _ in 0..<self.hops {
            guard self.isTrusted(current), let entry = entries.popLast() else { break }
            guard let address = IPAddress(entry) else { return nil }
            current = address
        }
        return current
    }

    /// Returns whether the client's own connection is secure.
    func isSecure(_ event: SessionEvent) -> Bool {
        guard let schemeField = self.schemeField, self.isTrusted(event.remoteAddress.flatMap { IPAddress($0) }) else {
            return event.isSecure
        }
        let entries = event.request.headerFields[values: schemeField].flatMap(HTTPFields.members)
        guard !entries.isEmpty else { return event.isSecure }
        return entries[max(entries.count - self.hops, 0)].lowercased() == "https"
    }

    private func isTrusted(_ address: IPAddress?) -> Bool {
        guard let address else { return self.trustsUnixSockets || self.networks.isEmpty }
        if self.networks.isEmpty { return !self.trustsUnixSockets }
        return self.networks.contains { $0.contains(address) }
    }
}
