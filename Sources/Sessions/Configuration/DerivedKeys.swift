import Crypto

/// Keys for other purposes than signing cookies, each derived from a secret for that purpose and cookie name alone (R28).
struct DerivedKeys: Sendable {
    private let logging: [HMAC<SHA256>]
    private let pinning: [HMAC<SHA256>]
    private let addresses: [HMAC<SHA256>]

    init(secrets: [[UInt8]], cookieName: String) {
        self.logging = Array(Self.derive("log", secrets: secrets, cookieName: cookieName).prefix(1))
        self.pinning = Self.derive("pin", secrets: secrets, cookieName: cookieName)
        self.addresses = Array(Self.derive("address", secrets: secrets, cookieName: cookieName).prefix(1))
    }

    /// Returns a key for each secret, for one purpose and cookie name alone; the first writes, all are read with.
    static func derive(_ purpose: String, secrets: [[UInt8]], cookieName: String) -> [HMAC<SHA256>] {
        secrets.map { secret in
            var mac = HMAC<SHA256>(key: SymmetricKey(data: secret))
            mac.update(data: Array("kv-storage session/1 \(purpose) \(cookieName)".utf8))
            return HMAC<SHA256>(key: SymmetricKey(data: mac.finalize()))
        }
    }

    /// Returns a salted hash of the ID, for logs (R07).
    func tag(_ id: SessionID) -> String {
        self.codes(self.logging, Array(id.text.utf8), count: 12).first ?? ""
    }

    /// Returns the keyed hashes of a part of an address, one for each secret.
    func pins(_ part: [UInt8], salt: Int64) -> [String] {
        self.codes(self.pinning, Array("\(salt) \(part.count) ".utf8) + part, count: 16)
    }

    /// Returns a keyed hash of an address: the same for the same address, until the first secret is another one.
    func addressHash(_ address: [UInt8]) -> String? {
        self.codes(self.addresses, address, count: 12).first
    }

    private func codes(_ keys: [HMAC<SHA256>], _ message: [UInt8], count: Int) -> [String] {
        keys.map { key in
            var mac = key
            mac.update(data: message)
            return mac.finalize().withUnsafeBytes { Base64.url.encode(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
        }
    }
}
