/// What a cookie's `Domain` has to be for browsers to take it (RFC 6265bis §5.7, RFC 1034 §3.5).
enum CookieDomain {
    /// A35: throws for what browsers ignore or drop. Which domains are public suffixes, `co.uk` for instance, is known to
    /// browsers alone.
    static func check(_ domain: String) throws(SessionError) {
        let labels = domain.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard domain.utf8.count <= 253, labels.allSatisfy({ self.isLabel($0) }) else {
            throw ConfigurationCheck.invalid(
                "the cookie's domain has to be a host name such as example.org: letters, digits and hyphens between "
                    + "single dots, none in front")
        }
        // Of a name that ends in a number browsers make an IPv4 address (URL Standard §3.5).
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        guard let last = labels.last, !last.allSatisfy({ digits.contains($0) }) else {
            throw ConfigurationCheck.invalid("browsers drop cookies whose domain is an address; leave domain nil")
        }
        guard labels.count > 1 else {
            throw ConfigurationCheck.invalid(
                "browsers drop cookies for a domain of one label, as localhost or com; leave domain nil for this host")
        }
    }

    private static func isLabel(_ label: Substring.UTF8View) -> Bool {
        guard (1...63).contains(label.count), label.first != UInt8(ascii: "-"), label.last != UInt8(ascii: "-") else {
            return false
        }
        return label.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
    }
}
