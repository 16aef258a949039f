import Crypto

/// A session's secret name, as the client holds it (R01): which session it is, and the secret that proves it.
///
/// 22 characters of base64url name the family, 128 random bits that stay as long as the session lives; 43 are the secret of
/// 256 bits, which regenerating changes. The ID exists in the client's cookie and in the memory of the request that carries it,
/// nowhere else (R07): storage has hashes of both parts, events a salted one, and printing it shows nothing.
///
/// An ID of the first format is 43 characters that are both parts at once; regenerating gives it a secret of its own.
package struct SessionID: Sendable, Hashable {
    private static let familyCount = 22
    private static let secretCount = 43
    /// The number of characters of a hash, as handles have it.
    static let hashCount = 43
    /// The most characters that an ID has.
    static let maximumCount = 2 * Self.secretCount

    package let text: String
    private let familyCount: Int

    /// Draws a new one.
    package init(using generator: inout some RandomNumberGenerator) {
        let words = (generator.next(), generator.next())
        let family = withUnsafeBytes(of: words) { Base64.url.encode($0) }
        self.text = family + Self.secret(using: &generator)
        self.familyCount = Self.familyCount
    }

    /// Takes the same session with a new secret.
    init(_ id: SessionID, secretUsing generator: inout some RandomNumberGenerator) {
        let family = String(decoding: id.text.utf8.prefix(id.familyCount), as: UTF8.self)
        self.text = family + Self.secret(using: &generator)
        self.familyCount = id.familyCount
    }

    /// R04: takes exactly what can be made; everything else is no ID.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard let familyCount = Self.familyCount(bytes) else { return nil }
        self.text = String(decoding: bytes, as: UTF8.self)
        self.familyCount = familyCount
    }

    package init?(_ text: String) {
        var text = text
        guard let id = text.withUTF8({ SessionID(UnsafeRawBufferPointer($0)) }) else { return nil }
        self = id
    }

    /// Returns how many characters of an ID name its family; `nil` if it is none.
    private static func familyCount(_ bytes: UnsafeRawBufferPointer) -> Int? {
        switch bytes.count {
        case self.secretCount: self.isCanonical(bytes[...], spare: 3) ? self.secretCount : nil
        case self.familyCount + self.secretCount:
            self.isCanonical(bytes[..<self.familyCount], spare: 15)
                && self.isCanonical(bytes[self.familyCount...], spare: 3) ? self.familyCount : nil
        case 2 * self.secretCount:
            self.isCanonical(bytes[..<self.secretCount], spare: 3)
                && self.isCanonical(bytes[self.secretCount...], spare: 3) ? self.secretCount : nil
        default: nil
        }
    }

    /// Whether an ID can have that many characters.
    static func canHave(_ count: Int) -> Bool {
        count == self.secretCount || count == self.familyCount + self.secretCount || count == 2 * self.secretCount
    }

    /// Whether the text is base64url that some bytes are written as: the bits past the last byte are zero.
    private static func isCanonical(_ text: UnsafeRawBufferPointer.SubSequence, spare: UInt8) -> Bool {
        guard let last = Base64.url.lastValue(UnsafeRawBufferPointer(rebasing: text)) else { return false }
        return last & spare == 0
    }

    private static func secret(using generator: inout some RandomNumberGenerator) -> String {
        let words = (generator.next(), generator.next(), generator.next(), generator.next())
        return withUnsafeBytes(of: words) { Base64.url.encode($0) }
    }

    /// Whether it is of the first format and was not regenerated since.
    var isFirstFormat: Bool { self.text.utf8.count == Self.secretCount }

    /// What storage knows of the family: the base64url of its SHA-256. The record's key, which stays as long as the session.
    package var handle: String { self.hash { UnsafeRawBufferPointer(rebasing: $0[..<self.familyCount]) } }

    /// What the record knows of the secret: the base64url of its SHA-256.
    var secretHash: String {
        self.hash { UnsafeRawBufferPointer(rebasing: $0.count == self.familyCount ? $0[...] : $0[self.familyCount...]) }
    }

    private func hash(_ part: (UnsafeRawBufferPointer) -> UnsafeRawBufferPointer) -> String {
        var text = self.text
        let digest = text.withUTF8 { bytes in
            var hasher = SHA256()
            hasher.update(bufferPointer: part(UnsafeRawBufferPointer(bytes)))
            return hasher.finalize()
        }
        return digest.withUnsafeBytes { Base64.url.encode($0) }
    }
}

extension SessionID: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "SessionID(hidden)" }
    package var debugDescription: String { self.description }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
