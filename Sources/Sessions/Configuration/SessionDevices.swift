import HTTPTypes

/// What is noted of the client when a user logs in, so that the list of their sessions shows which is which.
public struct SessionDevices: Sendable {
    /// How much of the client's address is noted.
    public enum Address: Sendable, Hashable {
        /// Nothing.
        case none
        /// As much as ``AddressPinning`` compares by default: the whole of an IPv4 address, 64 bits of an IPv6 one, the rest
        /// zero.
        case prefix
        /// The whole address.
        case whole
        /// A keyed hash of the whole: equal addresses look equal, and none can be read.
        case hash
    }

    /// Makes the text that is noted of the `User-Agent` field; by default it is noted as sent, `nil` notes nothing. It is cut at
    /// ``maximumBytes``. Give a closure that makes `"Firefox on Linux"` of it, from a library of your choice.
    public var userAgent: (@Sendable (_ sent: String) -> String?)? = { $0 }

    /// How much of the client's address is noted; ``Address/none`` by default, as it is personal data.
    public var address = Address.none

    /// The longest user agent and label in bytes; 256 by default.
    public var maximumBytes = 256

    /// Creates the defaults.
    public init() {}
}

extension SessionCore {
    /// Notes in a record from where its user logs in.
    func noteDevice(_ record: inout SessionRecord, _ event: SessionEvent, label: String?) {
        let devices = self.options.devices
        let sent = event.request.headerFields[.userAgent]
        record[text: "agent"] = sent.flatMap { devices.userAgent?($0) }.map { Self.cut($0, devices.maximumBytes) }
        record[text: "label"] = label.map { Self.cut($0, devices.maximumBytes) }
        record["address"] = self.options.proxies.clientAddress(event).flatMap { address -> String? in
            switch devices.address {
            case .none: nil
            case .whole: address.description
            case .prefix: IPAddress(bytes: AddressPinning().part(of: address)).description
            case .hash: self.keys.addressHash(address.bytes)
            }
        }
    }

    /// Cuts a text between two of its scalars.
    private static func cut(_ text: String, _ maximum: Int) -> String {
        guard text.utf8.count > maximum else { return text }
        var end = text.utf8.index(text.startIndex, offsetBy: max(maximum, 0))
        while String.Index(end, within: text.unicodeScalars) == nil { end = text.utf8.index(before: end) }
        return String(text[..<end])
    }
}
