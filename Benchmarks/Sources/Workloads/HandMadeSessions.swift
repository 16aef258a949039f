import Crypto
import Foundation
import Synchronization

/// The least that a request with a session is, written by hand for this one case, with nothing of this package in it: the
/// signature is verified, a dictionary under a lock is asked, and Foundation decodes. What stands in the `Cookie` field is
/// taken apart beforehand.
package final class HandMadeSessions: Sendable {
    /// What a client presents.
    package struct Token: Sendable {
        fileprivate let id: [UInt8]
        fileprivate let signature: [UInt8]
        fileprivate let key: String
    }

    private let items = Mutex<[String: Data]>([:])
    private let secret: SymmetricKey
    private let encoder = JSONEncoder()
    private let decoder = JSONDecoder()

    package init(secret: String) {
        self.secret = SymmetricKey(data: Array(secret.utf8))
    }

    /// Stores a profile and returns what its client presents.
    package func create(_ profile: Profile) throws -> Token {
        var generator = SystemRandomNumberGenerator()
        let id = (0..<43).map { _ in UInt8.random(in: UInt8(ascii: "a")...UInt8(ascii: "z"), using: &generator) }
        let signature = Array(HMAC<SHA256>.authenticationCode(for: id, using: self.secret))
        let key = "sid:" + String(decoding: id, as: UTF8.self)
        let bytes = try self.encoder.encode(profile)
        self.items.withLock { $0[key] = bytes }
        return Token(id: id, signature: signature, key: key)
    }

    /// Returns the profile of a request that only reads.
    package func read(_ token: Token) throws -> Profile? {
        guard
            HMAC<SHA256>.isValidAuthenticationCode(token.signature, authenticating: token.id, using: self.secret),
            let bytes = self.items.withLock({ $0[token.key] })
        else { return nil }
        return try self.decoder.decode(Profile.self, from: bytes)
    }

    /// Adds a visit by compare-and-swap and returns their number.
    package func update(_ token: Token) throws -> Int? {
        guard HMAC<SHA256>.isValidAuthenticationCode(token.signature, authenticating: token.id, using: self.secret)
        else { return nil }
        while let bytes = self.items.withLock({ $0[token.key] }) {
            var profile = try self.decoder.decode(Profile.self, from: bytes)
            profile.visits += 1
            let replacement = try self.encoder.encode(profile)
            let isSwapped = self.items.withLock { items in
                guard items[token.key] == bytes else { return false }
                items[token.key] = replacement
                return true
            }
            if isSwapped { return profile.visits }
        }
        return nil
    }
}
