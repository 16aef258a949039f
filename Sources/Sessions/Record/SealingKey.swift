/// A key that seals sessions into cookies: 32 random bytes and a name to find it by.
///
/// Make a new one now and then, put it first, and keep the old ones as long as their cookies live: AES-GCM draws a random
/// nonce for each cookie, which is safe for four thousand million cookies of one key.
public struct SealingKey: Sendable, Hashable {
    /// The name that stands in the cookie, so that the right key is found at once.
    public let id: String
    let bytes: [UInt8]

    /// Creates a key.
    /// - Parameters:
    ///   - id: 1 to 16 letters, digits, hyphens and underscores; another one for every key.
    ///   - bytes: Exactly 32, from a random source.
    /// - Throws: ``SessionError/Code/invalidConfiguration``.
    public init(id: String, bytes: [UInt8]) throws(SessionError) {
        guard (1...16).contains(id.utf8.count), id.utf8.allSatisfy({ Base64.url.contains($0) }) else {
            throw ConfigurationCheck.invalid("a sealing key's id has 1 to 16 letters, digits, hyphens and underscores")
        }
        guard bytes.count == 32 else {
            throw ConfigurationCheck.invalid("a sealing key has \(bytes.count) bytes; AES-256 takes exactly 32")
        }
        self.id = id
        self.bytes = bytes
    }
}

extension SealingKey: CustomStringConvertible, CustomReflectable {
    /// The id and no key.
    public var description: String { "SealingKey(\(self.id))" }
    /// Shows the id and no key.
    public var customMirror: Mirror { Mirror(self, children: ["id": self.id]) }
}
