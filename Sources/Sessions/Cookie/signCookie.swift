/// Returns the value signed as express and its `cookie-signature` do: `s:`, the value, `.`, and the unpadded base64 of its
/// HMAC-SHA256.
///
/// Percent-encode it (`encodeURIComponent`) before it goes into a cookie. The secret's length is not checked here, for the
/// sake of cookies that others made; ``SessionConfig`` asks for at least 32 bytes.
public func signCookie(_ value: String, secret: String) -> String {
    "s:\(value).\(CookieSigner(secrets: [secret]).signature(of: value))"
}

/// Returns the value that one of the secrets signed, or `nil` if none did.
///
/// Takes the text as ``signCookie(_:secret:)`` returns it and, starting with `s%3A`, as it stands percent-encoded in a
/// cookie. The signature follows the last dot, so the value may hold dots. Compares in constant time; empty secrets are
/// passed over, as anybody could sign with them.
public func unsignCookie(_ signed: String, secrets: [String]) -> String? {
    var text = signed
    if signed.utf8.starts(with: "s%3A".utf8) {
        guard let decoded = PercentEncoding.decode(signed) else { return nil }
        text = decoded
    }
    guard text.utf8.starts(with: "s:".utf8), let dot = text.utf8.lastIndex(of: UInt8(ascii: ".")) else { return nil }
    guard let start = text.utf8.index(text.startIndex, offsetBy: 2, limitedBy: dot) else { return nil }
    let value = String(text[start..<dot])
    guard let signature = Base64.standard.decode(text.utf8[text.utf8.index(after: dot)...]) else { return nil }
    let signer = CookieSigner(secrets: secrets.filter { !$0.isEmpty })
    let message = Array(value.utf8)
    let index = signature.withUnsafeBytes { signature in
        message.withUnsafeBytes { signer.verify(signature, of: $0) }
    }
    return index == nil ? nil : value
}
