import Crypto

/// Tokens against cross-site request forgery: a keyed hash of what the token belongs to, masked anew each time (R36).
///
/// The mask is a one-time pad in front of the hash, as in Rails and Django: no two responses hold the same text, so that what
/// compresses a response can't be used to guess it byte by byte (BREACH, CVE-2013-3587).
struct CSRFTokens: Sendable {
    /// What a token belongs to. One of the cookie is never one of a session, whatever their IDs are.
    enum Owner: Sendable {
        case session(SessionID)
        case cookie(CSRFCookie.Content)

        fileprivate var message: [UInt8] {
            switch self {
            case .session(let id): Array("session \(id.text)".utf8)
            case .cookie(let content): Array("cookie \(content.text)".utf8)
            }
        }
    }

    private static let count = 32
    private static let textCount = Base64.encodedCount(2 * Self.count)
    private let keys: [HMAC<SHA256>]

    init(secrets: [[UInt8]], cookieName: String) {
        self.keys = DerivedKeys.derive("csrf", secrets: secrets, cookieName: cookieName)
    }

    /// Returns a token of the owner: 256 bits behind a mask of as many. No two calls return the same.
    func token(of owner: Owner) -> String {
        guard let key = self.keys.first else { return "" }
        var generator = SystemRandomNumberGenerator()
        let words = (generator.next(), generator.next(), generator.next(), generator.next())
        let mask = withUnsafeBytes(of: words) { Array($0) }
        return Base64.url.encode(mask + zip(mask, Self.code(key, owner)).map { $0 ^ $1 })
    }

    /// Whether the token is one of the owner's, made with any of the secrets; takes the same time wherever it differs (R06).
    func accepts(_ token: String, of owner: Owner) -> Bool {
        guard token.utf8.count == Self.textCount, let bytes = Base64.url.decode(token.utf8) else { return false }
        let code = zip(bytes[..<Self.count], bytes[Self.count...]).map { $0 ^ $1 }
        return self.keys.contains { key in
            var mac = key
            mac.update(data: owner.message)
            // swift-crypto's comparison, which takes the same time wherever the bytes differ.
            return mac.finalize() == code
        }
    }

    private static func code(_ key: HMAC<SHA256>, _ owner: Owner) -> [UInt8] {
        var mac = key
        mac.update(data: owner.message)
        return Array(mac.finalize())
    }
}
