import HTTPTypes

/// A ``SessionTokenField`` that was checked: what requests and responses call it.
struct TokenField: Sendable {
    let request: HTTPField.Name
    let response: HTTPField.Name
    let isBearer: Bool

    init(_ field: SessionTokenField) throws(SessionError) {
        switch field.kind {
        case .header(let name):
            self.request = try ConfigurationCheck.tokenField(name)
            self.response = self.request
            self.isBearer = false
        case .bearer:
            self.request = .authorization
            self.response = try ConfigurationCheck.tokenField("X-Session-Token")
            self.isBearer = true
        }
    }

    /// Calls `body` for each token, `nil` for what can't be one, and not at all for a field that only asks for one; returns
    /// whether the request has the field.
    func forEachToken(in fields: HTTPFields, _ body: (UnsafeRawBufferPointer?) -> Void) -> Bool {
        var found = 0
        var isField = false
        for index in fields.indices where fields[index].name == self.request {
            found += 1
            fields[index].withUnsafeBytesOfValue { value in
                var value = UnsafeRawBufferPointer(value)
                if self.isBearer {
                    guard let credentials = Self.credentials(of: value) else { return }
                    value = credentials
                }
                isField = true
                // A second one of this kind is looked at as a second cookie is; with Authorization there can be one alone.
                if !value.isEmpty, !self.isBearer || found == 1 { body(value) }
            }
        }
        guard self.isBearer, found > 1 else { return isField }
        // RFC 9110 §11.6.2 and §5.3 allow one such field: which of several counts would be anybody's guess.
        if isField { body(nil) }
        return false
    }

    /// Returns what follows the scheme `Bearer`, empty if nothing does; `nil` for another scheme (RFC 6750 §2.1, RFC 9110
    /// §11.1: schemes are compared without regard to case).
    private static func credentials(of value: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        let scheme = "bearer".utf8
        guard value.count >= scheme.count, zip(value, scheme).allSatisfy({ $0 | 0x20 == $1 }) else { return nil }
        var rest = value[scheme.count...]
        guard let first = rest.first else { return UnsafeRawBufferPointer(rebasing: rest) }
        guard first == UInt8(ascii: " ") else { return nil }
        while rest.first == UInt8(ascii: " ") { rest = rest.dropFirst() }
        return UnsafeRawBufferPointer(rebasing: rest)
    }
}

extension SessionEvent {
    /// What belongs into `WWW-Authenticate` of an answer with the status 401 (RFC 9110 §15.5.2, RFC 6750 §3): `Bearer`, with
    /// `error="invalid_token"` if the request brought a token that is none. `nil` if no session of this event takes tokens
    /// in `Authorization`, or the request has such a session's cookie: a browser has no use for it.
    public var authenticationChallenge: String? {
        let bearers = self.slots.filter { $0.core.tokenField?.isBearer == true }
        guard !bearers.isEmpty, !bearers.contains(where: \.hasCookie) else { return nil }
        let hasToken = bearers.contains { slot in
            var hasToken = false
            _ = slot.core.tokenField?.forEachToken(in: self.request.headerFields) { _ in hasToken = true }
            return hasToken
        }
        return hasToken ? "Bearer error=\"invalid_token\"" : "Bearer"
    }
}
