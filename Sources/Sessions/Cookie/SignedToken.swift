/// The text by which a client names its session: `s:`, the ID, `.`, the signature; percent-encoded in a cookie.
enum SignedToken {
    /// What a presented text turned out to be.
    enum Outcome: Sendable, Hashable {
        /// Not of the form that ``text(for:signer:)`` writes; no signature was computed.
        case malformed
        /// Of the right form, signed by none of the secrets.
        case forged
        /// Signed by the secret of that index.
        case valid(SessionID, secret: Int)
    }

    private static let signatureCount = 43
    /// What stands around the ID: `s:`, the dot and the signature.
    private static let frameCount = 2 + 1 + Self.signatureCount
    private static let maximumCount = Self.frameCount + SessionID.maximumCount

    /// The most bytes that the text takes percent-encoded.
    static let maximumEncodedCount = 4 + SessionID.maximumCount + 1 + 3 * Self.signatureCount

    /// Returns the text for an ID, signed by the first secret, not percent-encoded.
    static func text(for id: SessionID, signer: CookieSigner) -> String {
        "s:\(id.text).\(signer.signature(of: id.text))"
    }

    /// Looks at a presented text in this order: its syntax (R04), then its signature (R05). Storage is asked by nobody
    /// before both are found right.
    static func verify(_ text: UnsafeRawBufferPointer, signer: CookieSigner) -> Outcome {
        guard text.count <= self.maximumEncodedCount else { return .malformed }
        return withUnsafeTemporaryAllocation(byteCount: self.maximumCount + 32, alignment: 1) { buffer in
            let decoded = UnsafeMutableRawBufferPointer(rebasing: buffer[..<self.maximumCount])
            guard let count = PercentEncoding.decode(text, into: decoded), SessionID.canHave(count - self.frameCount)
            else { return .malformed }
            let bytes = UnsafeRawBufferPointer(rebasing: decoded[..<count])
            let end = count - self.signatureCount - 1
            let text = UnsafeRawBufferPointer(rebasing: bytes[2..<end])
            guard bytes[0] == UInt8(ascii: "s"), bytes[1] == UInt8(ascii: ":"), bytes[end] == UInt8(ascii: "."),
                let id = SessionID(text)
            else { return .malformed }
            let signature = UnsafeMutableRawBufferPointer(rebasing: buffer[self.maximumCount...])
            let encoded = UnsafeRawBufferPointer(rebasing: bytes[(end + 1)...])
            guard Base64.standard.decode(encoded, into: signature) else { return .malformed }
            guard let secret = signer.verify(UnsafeRawBufferPointer(signature), of: text) else { return .forged }
            return .valid(id, secret: secret)
        }
    }
}
