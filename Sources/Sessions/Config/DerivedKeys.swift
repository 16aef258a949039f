import Crypto

/// Keys for other purposes than signing cookies, each derived from a secret for that purpose and cookie name alone (R28).
struct DerivedKeys: Sendable {
    private let logging: HMAC<SHA256>?

    init(secrets: [String], cookieName: String) {
        self.logging = secrets.first.map { Self.derive($0, "log", cookieName) }
    }

    /// Returns a salted hash of the ID, for logs (R07).
    func tag(_ id: SessionID) -> String {
        guard var mac = self.logging else { return "" }
        mac.update(data: Array(id.text.utf8))
        return mac.finalize().withUnsafeBytes { Base64.url.encode(UnsafeRawBufferPointer(rebasing: $0[..<12])) }
    }

    private static func derive(_ secret: String, _ purpose: String, _ cookieName: String) -> HMAC<SHA256> {
        var mac = HMAC<SHA256>(key: SymmetricKey(data: Array(secret.utf8)))
        mac.update(data: Array("kv-storage session/1 \(purpose) \(cookieName)".utf8))
        return HMAC<SHA256>(key: SymmetricKey(data: mac.finalize()))
    }
}
