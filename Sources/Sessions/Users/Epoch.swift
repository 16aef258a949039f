import KVStorage

/// A random number that a revocation replaces: sessions hold the one of their login, and are refused if another one, or none,
/// is there now.
///
///     5cFvK0Q0n7yZb0Yc8o1X9g 1780000000000
///
/// After the number stands when it was last replaced by a revocation, if it was.
struct Epoch: Sendable, Hashable {
    private static let tokenCount = 22

    /// 128 bits as base64url.
    let token: String
    /// When a revocation made it; `nil` if a login did.
    let revoked: Timestamp?

    /// Draws a new one.
    init(revoked: Timestamp?) {
        var generator = SystemRandomNumberGenerator()
        let words = (generator.next(), generator.next())
        self.token = withUnsafeBytes(of: words) { Base64.url.encode($0) }
        self.revoked = revoked
    }

    /// Reads the stored form; `nil` for anything else.
    init?(_ bytes: [UInt8]) {
        guard bytes.count >= Self.tokenCount, bytes[..<Self.tokenCount].allSatisfy({ Base64.url.contains($0) }) else {
            return nil
        }
        self.token = String(decoding: bytes[..<Self.tokenCount], as: UTF8.self)
        guard bytes.count > Self.tokenCount else {
            self.revoked = nil
            return
        }
        let rest = String(decoding: bytes[(Self.tokenCount + 1)...], as: UTF8.self)
        guard bytes[Self.tokenCount] == UInt8(ascii: " "), let time = Int64(rest) else { return nil }
        self.revoked = Timestamp(milliseconds: time)
    }

    /// Whether a stored form has that number.
    static func isToken(_ token: Slice<UnsafeBufferPointer<UInt8>>, of stored: [UInt8]) -> Bool {
        guard token.count == Self.tokenCount, stored.count == token.count || stored.count > token.count + 1,
            stored.count == token.count || stored[token.count] == UInt8(ascii: " ")
        else { return false }
        return stored.starts(with: token)
    }

    /// The stored form.
    var bytes: [UInt8] {
        Array((self.token + (self.revoked.map { " \($0.milliseconds)" } ?? "")).utf8)
    }
}
