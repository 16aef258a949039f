/// An IPv4 or IPv6 address; an IPv4 address in IPv6 clothes (`::ffff:192.0.2.1`) is the IPv4 address.
struct IPAddress: Sendable, Hashable {
    /// 4 or 16 bytes.
    let bytes: [UInt8]

    /// Reads an address as servers and proxies write it: with or without a port, brackets or a zone.
    init?(_ text: some StringProtocol) {
        var text = Array(text.utf8)
        if text.first == UInt8(ascii: "[") {
            guard let end = text.firstIndex(of: UInt8(ascii: "]")), Self.isPort(text[(end + 1)...]) else { return nil }
            text = Array(text[1..<end])
        } else if text.count(where: { $0 == UInt8(ascii: ":") }) == 1,
            let colon = text.firstIndex(of: UInt8(ascii: ":"))
        {
            guard Self.isPort(text[colon...]) else { return nil }
            text = Array(text[..<colon])
        }
        self.init(plain: text)
    }

    /// Reads an address and nothing but an address; of an IPv6 address a zone is left out.
    init?(plain text: [UInt8]) {
        var text = text
        if text.contains(UInt8(ascii: ":")) {
            if let zone = text.firstIndex(of: UInt8(ascii: "%")) { text = Array(text[..<zone]) }
            guard let bytes = Self.version6(text) else { return nil }
            let isMapped = bytes[..<10].allSatisfy { $0 == 0 } && bytes[10] == 255 && bytes[11] == 255
            self.bytes = isMapped ? Array(bytes[12...]) : bytes
        } else {
            guard let bytes = Self.version4(text[...]) else { return nil }
            self.bytes = bytes
        }
    }

    /// Returns the first bits, the others zero.
    func prefix(_ length: Int) -> [UInt8] {
        var bytes = self.bytes
        for index in bytes.indices {
            let kept = min(max(length - index * 8, 0), 8)
            bytes[index] &= UInt8(truncatingIfNeeded: 0xFF00 >> kept)
        }
        return bytes
    }

    private static func isPort(_ text: ArraySlice<UInt8>) -> Bool {
        guard let first = text.first else { return true }
        return first == UInt8(ascii: ":") && (2...6).contains(text.count) && text.dropFirst().allSatisfy(self.isDigit)
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    private static func version4(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        let parts = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var bytes: [UInt8] = []
        for part in parts {
            // A leading zero means octal to some readers and decimal to others.
            guard (1...3).contains(part.count), part.allSatisfy(self.isDigit),
                part.count == 1 || part.first != UInt8(ascii: "0"),
                let byte = UInt8(String(decoding: part, as: UTF8.self))
            else { return nil }
            bytes.append(byte)
        }
        return bytes
    }

    private static func version6(_ text: [UInt8]) -> [UInt8]? {
        guard text.count <= 45 else { return nil }
        guard let gap = self.gap(in: text) else {
            guard let bytes = self.groups(text[...]), bytes.count == 16 else { return nil }
            return bytes
        }
        guard let head = self.groups(text[..<gap]), let tail = self.groups(text[(gap + 2)...]),
            head.count + tail.count <= 14
        else { return nil }
        return head + Array(repeating: 0, count: 16 - head.count - tail.count) + tail
    }

    /// Where `::` stands.
    private static func gap(in text: [UInt8]) -> Int? {
        text.indices.dropLast().first { text[$0] == UInt8(ascii: ":") && text[$0 + 1] == UInt8(ascii: ":") }
    }

    /// Reads groups of hexadecimal digits, of which the last may be an IPv4 address.
    private static func groups(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        guard !text.isEmpty else { return [] }
        var bytes: [UInt8] = []
        let parts = text.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated() {
            if index == parts.count - 1, part.contains(UInt8(ascii: ".")) {
                guard let address = self.version4(part) else { return nil }
                bytes += address
            } else {
                guard (1...4).contains(part.count), part.allSatisfy(self.isHexadecimal),
                    let group = UInt16(String(decoding: part, as: UTF8.self), radix: 16)
                else { return nil }
                bytes += [UInt8(group >> 8), UInt8(truncatingIfNeeded: group)]
            }
        }
        return bytes
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"):
            true
        default: false
        }
    }
}

/// A range of addresses, as in `10.0.0.0/8`.
struct IPNetwork: Sendable, Hashable {
    private let start: [UInt8]
    private let length: Int

    /// Reads an address with or without the length of its prefix: digits, without a sign or a zero in front. A port or a
    /// zone makes no sense here, so there is none.
    init?(_ text: String) {
        let parts = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard let first = parts.first, parts.count <= 2, !first.contains(UInt8(ascii: "%")),
            let address = IPAddress(plain: Array(first))
        else { return nil }
        let bits = address.bytes.count * 8
        guard let length = parts.count == 2 ? Self.length(parts[1]) : bits, length <= bits else { return nil }
        self.start = address.prefix(length)
        self.length = length
    }

    private static func length(_ digits: Substring.UTF8View) -> Int? {
        guard (1...3).contains(digits.count), digits.count == 1 || digits.first != UInt8(ascii: "0") else { return nil }
        guard digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return nil }
        return digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
    }

    func contains(_ address: IPAddress) -> Bool {
        address.bytes.count == self.start.count && address.prefix(self.length) == self.start
    }
}
