import Crypto

/// Signs and verifies with HMAC-SHA256 under several secrets: the first signs, all verify (R26).
struct CookieSigner: Sendable {
    // A state that has taken in the key; copying it saves two of the four hash blocks of every signature.
    private let keys: [HMAC<SHA256>]

    init(secrets: [String]) {
        self.keys = secrets.map { HMAC<SHA256>(key: SymmetricKey(data: Array($0.utf8))) }
    }

    /// Returns the first secret's signature of the message in express's base64, without padding.
    func signature(of message: String) -> String {
        guard let key = self.keys.first else { return "" }
        var mac = key
        mac.update(data: Array(message.utf8))
        return mac.finalize().withUnsafeBytes { Base64.standard.encode($0) }
    }

    /// Returns which secret made the signature, or `nil` if none did.
    ///
    /// R06: the comparison is swift-crypto's, which takes the same time wherever the bytes differ.
    func verify(_ signature: UnsafeRawBufferPointer, of message: UnsafeRawBufferPointer) -> Int? {
        for (index, key) in self.keys.enumerated() {
            var mac = key
            mac.update(data: message)
            if mac.finalize() == signature { return index }
        }
        return nil
    }
}
