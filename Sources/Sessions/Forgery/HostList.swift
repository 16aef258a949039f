/// The hosts that a server goes by, as ``SessionOptions/hosts`` names them.
struct HostList: Sendable {
    private let entries: Set<[UInt8]>

    /// Takes host names with or without a port, in any case; anything else is refused.
    init(_ hosts: Set<String>) throws(SessionError) {
        guard !hosts.isEmpty else {
            throw ConfigurationCheck.invalid("hosts is empty, so that no request would pass; nil means any host")
        }
        var entries: Set<[UInt8]> = []
        for host in hosts {
            let bytes = Self.lowercased(host)
            let (name, port) = Self.parts(bytes)
            let isAddress = name.first == UInt8(ascii: "[") && name.last == UInt8(ascii: "]")
            guard !name.isEmpty, name.allSatisfy(Self.isHostCharacter), isAddress || !name.contains(UInt8(ascii: ":")),
                port.map(Self.isPort) ?? true
            else {
                throw ConfigurationCheck.invalid(
                    "\(host) is no host such as example.org, example.org:8443 or [::1]; leave scheme and path out")
            }
            entries.insert(bytes)
        }
        self.entries = entries
    }

    /// Whether a request's `Host` is in the list: as it stands, with the port that its scheme implies, or by its name alone
    /// where the list names no port.
    func contains(_ authority: String, isSecure: Bool) -> Bool {
        let bytes = Self.lowercased(authority)
        let (name, port) = Self.parts(bytes)
        if self.entries.contains(bytes) || self.entries.contains(Array(name)) { return true }
        return port == nil && self.entries.contains(bytes + Array((isSecure ? ":443" : ":80").utf8))
    }

    private static func lowercased(_ text: String) -> [UInt8] {
        text.utf8.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0 }
    }

    /// Splits off what follows the last colon, unless that is inside the brackets of an IPv6 address.
    private static func parts(_ host: [UInt8]) -> (name: ArraySlice<UInt8>, port: ArraySlice<UInt8>?) {
        guard let colon = host.lastIndex(of: UInt8(ascii: ":")), !host[colon...].contains(UInt8(ascii: "]")) else {
            return (host[...], nil)
        }
        return (host[..<colon], host[(colon + 1)...])
    }

    private static func isPort(_ port: ArraySlice<UInt8>) -> Bool {
        (1...5).contains(port.count) && port.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }

    private static func isHostCharacter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
            UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: ":"):
            true
        default: false
        }
    }
}
