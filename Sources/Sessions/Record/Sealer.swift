import Crypto
import KVStorage

/// Seals records into cookie values with AES-256-GCM and opens them: `e1.`, the key's id, `.`, base64url of nonce,
/// ciphertext and tag.
///
/// R28: format, version, purpose, cookie name and key id are bound in as additional data: a value from another cookie, or a
/// signed one, opens nowhere.
struct Sealer: Sendable {
    private struct Key: Sendable {
        let id: [UInt8]
        let key: SymmetricKey
        let context: [UInt8]
    }

    private static let mark = Array("e1.".utf8)
    private let keys: [Key]
    /// Where it is kept what was revoked or logged out, if that is.
    let revocations: Storage?

    init(_ keys: [SealingKey], cookieName: String, revocations: Storage?) {
        self.keys = keys.map { key in
            Key(
                id: Array(key.id.utf8),
                key: SymmetricKey(data: key.bytes),
                context: Array("kv-storage session/1 sealed \(cookieName) \(key.id)".utf8)
            )
        }
        self.revocations = revocations
    }

    /// Returns the cookie's value; the first key seals.
    func seal(_ record: [UInt8]) throws(SessionError) -> String {
        do {
            guard let key = self.keys.first,
                let box = try AES.GCM.seal(record, using: key.key, authenticating: key.context).combined
            else { throw CryptoKitError.incorrectKeySize }
            let id = String(decoding: key.id, as: UTF8.self)
            return "e1.\(id).\(Base64.url.encode([UInt8](box)))"
        } catch {
            throw SessionError(.encoding, "the session could not be sealed", underlying: error)
        }
    }

    /// What a presented value turned out to be.
    enum Outcome {
        case malformed
        case forged
        case valid([UInt8], key: Int)
    }

    /// Opens a value. Nothing larger than a cookie is looked at, and nothing is decoded before the key is known.
    func open(_ text: UnsafeRawBufferPointer) -> Outcome {
        guard text.count <= CookieWriter.maximumBytes, text.starts(with: Self.mark),
            let dot = text[Self.mark.count...].firstIndex(of: UInt8(ascii: "."))
        else { return .malformed }
        let id = text[Self.mark.count..<dot]
        guard let index = self.keys.firstIndex(where: { $0.id.elementsEqual(id) }) else { return .forged }
        guard let box = Base64.url.decode(text[(dot + 1)...]), box.count >= 28 else { return .malformed }
        let key = self.keys[index]
        guard let sealed = try? AES.GCM.SealedBox(combined: box),
            let record = try? AES.GCM.open(sealed, using: key.key, authenticating: key.context)
        else { return .forged }
        return .valid(Array(record), key: index)
    }
}
