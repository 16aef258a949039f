/// The secrets that sign the cookies: the first signs, all verify.
///
///     .storage(store, secrets: [new, old])
///
/// A new secret goes to the front; cookies that an old one signed are issued anew as their sessions are used. Taking a
/// secret away ends the sessions whose cookies it signed. Each has to have at least 32 bytes of UTF-8 and of real
/// randomness; ``SessionConfig`` refuses shorter ones. Read them from where the deployment keeps its secrets: a literal in
/// the source is for tests and examples.
public struct SessionSecrets: Sendable, Hashable {
    let texts: [String]

    /// Creates a list from strings, the one that signs first.
    public init(_ secrets: some Sequence<String>) {
        self.texts = Array(secrets)
    }
}

extension SessionSecrets: ExpressibleByStringLiteral, ExpressibleByArrayLiteral {
    /// Creates a list of one secret.
    public init(stringLiteral secret: String) {
        self.texts = [secret]
    }

    /// Creates a list, the one that signs first.
    public init(arrayLiteral secrets: String...) {
        self.texts = secrets
    }
}

extension SessionSecrets: CustomStringConvertible, CustomReflectable {
    /// How many there are, and none of them.
    public var description: String { "SessionSecrets(\(self.texts.count))" }

    /// Shows how many there are, and none of them.
    public var customMirror: Mirror { Mirror(self, children: ["count": self.texts.count]) }
}
