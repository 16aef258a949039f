extension ConfigurationCheck {
    /// The least number of different bytes in a secret. Thirty-two random bytes hold about 30, as hexadecimal digits 15.
    private static let leastVariety = 8
    /// The longest piece whose repetition is found.
    private static let longestPiece = 16

    /// R26, A21: secrets that are long enough, that nobody knows, and that are not plainly something other than random.
    static func secrets(_ place: SessionPlace, name: String, cookieName: String) throws(SessionError) {
        guard case .storage(_, let secrets) = place.kind else { return }
        for secret in secrets.texts {
            let bytes = Array(secret.utf8)
            guard bytes.count >= 32 else {
                throw self.invalid("a secret has \(bytes.count) bytes; \(self.advice)")
            }
            guard !bytes.elementsEqual(name.utf8), !bytes.elementsEqual(cookieName.utf8) else {
                throw self.invalid("the secret is the cookie's name, which everybody knows; \(self.advice)")
            }
            guard Set(bytes).count >= self.leastVariety, !self.isRepetition(bytes) else {
                throw self.invalid("a secret is not random: it repeats few characters; \(self.advice)")
            }
        }
    }

    private static var advice: String { "make one of 32 random bytes with openssl rand -base64 32" }

    /// Whether the bytes are a short piece said again and again.
    private static func isRepetition(_ bytes: [UInt8]) -> Bool {
        (1...self.longestPiece).contains { length in
            bytes.indices.dropFirst(length).allSatisfy { bytes[$0] == bytes[$0 - length] }
        }
    }
}
