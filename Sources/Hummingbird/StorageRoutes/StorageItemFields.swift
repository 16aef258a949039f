#if HummingbirdSupport
import HTTPTypes
import KVStorage

/// An item's metadata as header fields of unstorage's protocol.
enum StorageItemFields {
    private static let ttl = HTTPField.Name("X-TTL")

    /// No lifetime that this says is refused by a driver: a hundred years, in seconds.
    private static let longest = 3_155_760_000.0

    /// Returns the fields of a response with the item, or about it.
    ///
    /// Caches other than the browser's own are kept from it, as the next to ask may not be allowed to read it. A cached item
    /// never outlives the stored one; one without a lifetime has to be asked for anew.
    static func of(_ meta: ItemMeta) -> HTTPFields {
        var fields: HTTPFields = [.vary: "Accept", .xContentTypeOptions: "nosniff"]
        if let written = meta.mtime { fields[.lastModified] = HTTPDate.format(written) }
        guard let remaining = meta.ttl, let name = Self.ttl else {
            fields[.cacheControl] = "private, no-cache"
            return fields
        }
        let seconds = remaining.components.seconds
        fields[name] = "\(remaining.components.attoseconds > 0 ? seconds + 1 : seconds)"
        fields[.cacheControl] = "private, max-age=\(seconds)"
        return fields
    }

    /// Returns the lifetime that a request asks for; the mount's if it asks for none.
    static func ttl(_ fields: HTTPFields) throws(StorageFailure) -> TTL {
        guard let name = Self.ttl, let text = fields[name] else { return .default }
        // Digits, and digits behind a dot: `Double` reads signs, exponents and hexadecimal numbers as well.
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        guard parts.count <= 2, parts.allSatisfy({ !$0.isEmpty && $0.allSatisfy(digits.contains) }),
            let seconds = Double(text), seconds > 0, seconds <= Self.longest
        else { throw StorageFailure(.badRequest, "X-TTL takes seconds, above 0 and at most a hundred years.") }
        return .milliseconds(Int64((seconds * 1000).rounded(.up)))
    }
}
#endif
