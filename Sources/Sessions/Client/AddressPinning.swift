import KVStorage

/// Binds a session to the address that it was made from, as far as a prefix of it (R39).
///
/// A signal rather than a proof: phones change networks, and thieves may share one. The record holds a keyed hash of the prefix,
/// not the address. The address is the connection's, or what ``SessionOptions/proxies`` say of it. A mismatch concerns the
/// request alone: the record is never destroyed by it.
public struct AddressPinning: Sendable, Hashable {
    /// What a request from another address gets.
    public enum Mismatch: Sendable, Hashable {
        /// Its session; it is only reported.
        case log
        /// ``SessionError/Code/reauthenticationRequired`` from every call, until
        /// ``authenticateSession(_:user:persistent:methods:identifier:label:name:)``.
        case reauthenticate
        /// No session: as if it had sent no cookie.
        case reject
    }

    /// How many bits of an IPv4 address have to match; 32 by default.
    public var ipv4PrefixLength: Int
    /// How many bits of an IPv6 address have to match; 64 by default, what one household or machine usually has.
    public var ipv6PrefixLength: Int
    /// What a request from another address gets; ``Mismatch/reject`` by default.
    public var onMismatch: Mismatch

    /// Creates the defaults.
    public init(ipv4PrefixLength: Int = 32, ipv6PrefixLength: Int = 64, onMismatch: Mismatch = .reject) {
        self.ipv4PrefixLength = ipv4PrefixLength
        self.ipv6PrefixLength = ipv6PrefixLength
        self.onMismatch = onMismatch
    }

    /// Returns the part of an address that has to match.
    func part(of address: IPAddress) -> [UInt8] {
        address.prefix(address.bytes.count == 4 ? self.ipv4PrefixLength : self.ipv6PrefixLength)
    }
}

extension SessionCore {
    /// The name of the record's line.
    private static let line = "pin"

    /// Binds a new record to the request's address, where that is configured.
    func pin(_ record: inout SessionRecord, _ event: SessionEvent) throws(SessionError) {
        guard let pinning = self.options.pinning else { return }
        guard let address = self.options.proxies.clientAddress(event) else {
            throw SessionError(
                .noAddress,
                "sessions are pinned to addresses, but this event has none; give SessionEvent its remoteAddress"
            )
        }
        record[Self.line] = self.keys.pins(pinning.part(of: address), salt: record.created.milliseconds).first
    }

    /// Whether the request comes from where the session was made; a session that was made without pinning goes anywhere.
    func matchesPin(_ record: SessionRecord, _ event: SessionEvent) -> Bool {
        guard let pinning = self.options.pinning, let pin = record[Self.line] else { return true }
        guard let address = self.options.proxies.clientAddress(event) else { return false }
        return self.keys.pins(pinning.part(of: address), salt: record.created.milliseconds).contains(pin)
    }
}
