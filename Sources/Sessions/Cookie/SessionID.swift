import Crypto

/// A session's secret name: 256 random bits as 43 characters of base64url (R01).
///
/// It exists in the client's cookie and in the memory of the request that carries it, nowhere else (R07): storage has its
/// hash, events a salted one, and printing it shows nothing.
package struct SessionID: Sendable, Hashable {
    /// The number of characters.
    static let count = 43

    package let text: String

    /// Draws a new one.
    package init(using generator: inout some RandomNumberGenerator) {
        let words = (generator.next(), generator.next(), generator.next(), generator.next())
        self.text = withUnsafeBytes(of: words) { Base64.url.encode($0) }
    }

    /// R04: takes exactly what ``init(using:)`` can make; everything else is no ID.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard Self.isValid(bytes) else { return nil }
        self.text = String(decoding: bytes, as: UTF8.self)
    }

    /// Takes what ``isValid(_:)`` was asked about already.
    init(valid bytes: UnsafeRawBufferPointer) {
        self.text = String(decoding: bytes, as: UTF8.self)
    }

    static func isValid(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count == Self.count, let last = Base64.url.lastValue(bytes) else { return false }
        return last & 3 == 0
    }

    /// What storage knows of the ID: the base64url of its SHA-256.
    var handle: String {
        var text = self.text
        let digest = text.withUTF8 { bytes in
            var hasher = SHA256()
            hasher.update(bufferPointer: UnsafeRawBufferPointer(bytes))
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
