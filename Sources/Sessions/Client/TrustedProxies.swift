import HTTPTypes

/// The reverse proxies that are trusted in what they say of the client: its address and whether its connection is secure
/// (R19, R39).
///
/// Without trusted proxies, which is the default, `X-Forwarded-…` fields are anybody's words and ignored. The list of
/// addresses is read from its end, where the nearest proxy wrote, and no further than ``hops``: what a client itself put in
/// front is never reached.
public struct TrustedProxies: Sendable {
    /// How many proxies stand between the client and this server; 0 means that none is trusted.
    public let hops: Int
    private let addressField: HTTPField.Name?
    private let schemeField: HTTPField.Name?
    private let networks: [IPNetwork]

    /// No proxy is trusted.
    public static let none = TrustedProxies()

    /// Trusts proxies.
    /// - Parameters:
    ///   - hops: How many there are one behind the other, at least one.
    ///   - networks: Their addresses, as in `10.0.0.0/8` or `fd00::/8`. Empty means that whoever calls is a proxy: only right
    ///     where nobody else can reach the server.
    ///   - addressField: The field in which each proxy adds the address that it was called from.
    ///   - schemeField: The field in which a proxy says `https` or `http`.
    /// - Throws: ``SessionError/Code/invalidConfiguration``.
    public init(
        hops: Int = 1,
        networks: [String],
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
        self.addressField = try ConfigurationCheck.field(addressField)
        self.schemeField = try ConfigurationCheck.field(schemeField)
        self.networks = parsed
    }

    private init() {
        self.hops = 0
        self.addressField = nil
        self.schemeField = nil
        self.networks = []
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
        if self.networks.isEmpty { return true }
        guard let address else { return false }
        return self.networks.contains { $0.contains(address) }
    }
}
