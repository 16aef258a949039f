#if HummingbirdSupport
/// The fields of an `application/x-www-form-urlencoded` body, as the URL Standard (§5.1) reads them.
enum FormFields {
    /// Whether the `Content-Type` says that there are any.
    static func areIn(_ contentType: String?) -> Bool {
        contentType?.prefix { $0 != ";" && $0 != " " }.lowercased() == "application/x-www-form-urlencoded"
    }

    /// Returns the content of the first field of that name.
    static func first(_ name: String, of form: some Collection<UInt8>) -> String? {
        for field in form.split(separator: UInt8(ascii: "&")) {
            let parts = field.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard let first = parts.first, self.text(first) == name else { continue }
            return parts.count == 2 ? self.text(parts[1]) : ""
        }
        return nil
    }

    private static func text(_ bytes: some Collection<UInt8>) -> String? {
        percentDecoded(bytes.lazy.map { $0 == UInt8(ascii: "+") ? UInt8(ascii: " ") : $0 })
    }
}

/// Returns the text with its percent-escapes decoded; `nil` if one is incomplete or the result is not UTF-8.
func percentDecoded(_ text: some Sequence<UInt8>) -> String? {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.underestimatedCount)
    var iterator = text.makeIterator()
    while let byte = iterator.next() {
        guard byte == UInt8(ascii: "%") else {
            bytes.append(byte)
            continue
        }
        guard let high = iterator.next().flatMap(hexDigit), let low = iterator.next().flatMap(hexDigit) else {
            return nil
        }
        bytes.append(high << 4 | low)
    }
    return String(validating: bytes, as: UTF8.self)
}

private func hexDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    default: nil
    }
}
#endif
