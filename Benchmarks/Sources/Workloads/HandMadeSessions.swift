import Crypto
package import KVStorage

/// The least that a request with a session is, written for this one case: the signature is verified, the item read and
/// decoded. What stands in the `Cookie` field is taken apart beforehand.
package struct HandMadeSessions: Sendable {
    /// What a client presents.
    package struct Token: Sendable {
        fileprivate let id: [UInt8]
        fileprivate let signature: [UInt8]
        fileprivate let key: String
    }

    private let storage: Storage
    private let secret: SymmetricKey
    private let codec = JSONStorageCodec()

    package init(_ storage: Storage, secret: String) {
        self.storage = storage
        self.secret = SymmetricKey(data: Array(secret.utf8))
    }

    /// Stores a profile and returns what its client presents.
    package func create(_ profile: Profile) async throws -> Token {
        var generator = SystemRandomNumberGenerator()
        let id = (0..<43).map { _ in UInt8.random(in: UInt8(ascii: "a")...UInt8(ascii: "z"), using: &generator) }
        let signature = Array(HMAC<SHA256>.authenticationCode(for: id, using: self.secret))
        let key = "sid:" + String(decoding: id, as: UTF8.self)
        try await self.storage.setItemRaw(key, try self.codec.encode(profile), ttl: .seconds(86_400))
        return Token(id: id, signature: signature, key: key)
    }

    /// Returns the profile of a request that only reads.
    package func read(_ token: Token) async throws -> Profile? {
        guard
            HMAC<SHA256>.isValidAuthenticationCode(token.signature, authenticating: token.id, using: self.secret),
            let bytes = try await self.storage.getItemRaw(token.key)
        else { return nil }
        return try self.codec.decode(Profile.self, from: bytes)
    }

    /// Adds a visit by compare-and-swap and returns their number.
    package func update(_ token: Token) async throws -> Int? {
        guard HMAC<SHA256>.isValidAuthenticationCode(token.signature, authenticating: token.id, using: self.secret)
        else { return nil }
        while let bytes = try await self.storage.getItemRaw(token.key) {
            var profile = try self.codec.decode(Profile.self, from: bytes)
            profile.visits += 1
            let isSwapped = try await self.storage.compareAndSwapItem(
                token.key,
                expected: bytes,
                replacement: try self.codec.encode(profile),
                ttl: .seconds(86_400)
            )
            if isSwapped { return profile.visits }
        }
        return nil
    }
}
