/// What tells one value from another: the first 128 bits of the SHA-256 of its bytes, the same on every driver.
///
/// As an entity tag of HTTP (RFC 9110, section 8.8.3) its ``description`` stands in quotes.
public struct ETag: Sendable, Hashable, CustomStringConvertible {
    /// 32 lowercase hexadecimal digits.
    public let description: String

    /// The etag of a value of these bytes; costs one pass over them.
    public init(of bytes: [UInt8]) {
        let digits = Array("0123456789abcdef".utf8)
        let text = SHA256.digest(bytes).prefix(16).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
        self.description = String(decoding: text, as: UTF8.self)
    }

    /// Reads what ``description`` wrote; `nil` if it is anything else.
    public init?(_ description: String) {
        let isHexadecimal = description.utf8.allSatisfy { byte in
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
        }
        guard description.utf8.count == 32, isHexadecimal else { return nil }
        self.description = description
    }
}
