import Crypto
import HTTPTypes

/// The cookie that the tokens of a request without a session belong to: 256 random bits, signed for this purpose and cookie
/// alone. Nothing of it is stored, so that robots on pages with forms leave nothing behind.
///
/// It is called as the session's cookie with `-csrf` behind, has the same attributes and is always `HttpOnly`.
struct CSRFCookie: Sendable {
    /// What the cookie holds beside its signature: 256 random bits as 43 characters of base64url. Whoever knows them knows what
    /// tokens belong to, so that printing shows nothing.
    struct Content: Sendable, Hashable, CustomStringConvertible, CustomReflectable {
        fileprivate static let count = 43
        let text: String

        /// Draws a new one from the system's source.
        init() {
            var generator = SystemRandomNumberGenerator()
            let words = (generator.next(), generator.next(), generator.next(), generator.next())
            self.text = withUnsafeBytes(of: words) { Base64.url.encode($0) }
        }

        /// Takes what ``init()`` can make; the bits past the last byte are zero.
        fileprivate init?(_ bytes: UnsafeRawBufferPointer) {
            guard bytes.count == Self.count, let last = Base64.url.lastValue(bytes), last & 3 == 0 else { return nil }
            self.text = String(decoding: bytes, as: UTF8.self)
        }

        var description: String { "Content(hidden)" }
        var customMirror: Mirror { Mirror(self, children: []) }
    }

    static let suffix = "-csrf"

    let writer: CookieWriter
    private let reader: CookieReader
    private let keys: [HMAC<SHA256>]
    private let maxAge: Int64

    init(secrets: [[UInt8]], cookieName: String, _ attributes: CookieAttributes, maxAge: Int64) {
        var attributes = attributes
        attributes.httpOnly = true
        self.writer = CookieWriter(name: cookieName + Self.suffix, attributes)
        self.reader = CookieReader(name: cookieName + Self.suffix)
        self.keys = DerivedKeys.derive("csrf-cookie", secrets: secrets, cookieName: cookieName)
        self.maxAge = maxAge
    }

    /// Returns what the request's cookie holds, and whether an old secret signed it; `nil` if there is none, or several that
    /// are all signed: then somebody else set one of them.
    func presented(by event: SessionEvent) -> (content: Content, isOld: Bool)? {
        var found: [Content: Bool] = [:]
        self.reader.forEachValue(in: event.request.headerFields) { value in
            if let (content, isOld) = self.verify(value) { found[content] = isOld }
            return found.count < 2
        }
        guard found.count == 1, let (content, isOld) = found.first else { return nil }
        return (content, isOld)
    }

    /// Returns the `Set-Cookie` value.
    func set(_ content: Content, secure: Bool) throws(SessionError) -> String {
        guard let key = self.keys.first else { return "" }
        let signature = Base64.url.encode(Array(Self.code(key, content)))
        return try self.writer.set("\(content.text).\(signature)", maxAge: self.maxAge, secure: secure)
    }

    private func verify(_ value: UnsafeRawBufferPointer) -> (Content, isOld: Bool)? {
        guard value.count == 2 * Content.count + 1, value[Content.count] == UInt8(ascii: "."),
            let content = Content(UnsafeRawBufferPointer(rebasing: value[..<Content.count])),
            let signature = Base64.url.decode(value[(Content.count + 1)...])
        else { return nil }
        for (index, key) in self.keys.enumerated() where Self.code(key, content) == signature {
            return (content, index > 0)
        }
        return nil
    }

    private static func code(_ key: HMAC<SHA256>, _ content: Content) -> HMAC<SHA256>.MAC {
        var mac = key
        mac.update(data: Array(content.text.utf8))
        return mac.finalize()
    }
}
