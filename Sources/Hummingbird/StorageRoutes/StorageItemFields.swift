#if HummingbirdSupport
import HTTPTypes
import KVStorage

/// What unstorage's protocol tells of an item in header fields.
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

    /// Whether what was known of an item and what is known a moment later tell of one write.
    ///
    /// A lifetime that was set or renewed counts as another; one that runs becomes shorter.
    static func are(_ earlier: ItemMeta, ofTheSameWriteAs later: ItemMeta) -> Bool {
        guard earlier.mtime == later.mtime, earlier.size == later.size else { return false }
        return switch (earlier.ttl, later.ttl) {
        case (nil, nil): true
        case (let before?, let after?): after <= before
        default: false
        }
    }

    /// Returns the lifetime that a request asks for; `nil` if it asks for none.
    static func ttl(_ fields: HTTPFields) throws(StorageFailure) -> Duration? {
        guard let name = Self.ttl, let text = fields[name] else { return nil }
        guard let seconds = Double(text), seconds > 0, seconds <= Self.longest else {
            throw StorageFailure(.badRequest, "X-TTL takes seconds, above 0 and at most a hundred years.")
        }
        return .milliseconds(Int64((seconds * 1000).rounded(.up)))
    }
}
#endif
