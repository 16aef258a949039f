import HTTPTypes

/// Throws unless the request proves that it comes from a page that knows the session's token (R36).
///
/// `GET`, `HEAD`, `OPTIONS` and `TRACE` pass, as they must change nothing. So does a request that has the header field of
/// ``SessionOptions/tokenField``, be it empty, and no cookie of this session: no other site can make a browser send that
/// field without asking this server first (CORS), and no cookie vouches for anybody. Everything else has to bring a token of
/// ``csrfToken(_:name:)`` in the field ``SessionOptions/csrfField`` or in what is given here. Where the request has a
/// session, only the session's tokens count.
/// - Parameters:
///   - event: The request.
///   - token: A form field's content; `nil` looks in the header field alone.
///   - name: Which session; by default the one that was set up first.
/// - Throws: ``SessionError/Code/forbidden``; `storage` and the like if the session can't be read.
public func verifyCSRF(_ event: SessionEvent, token: String? = nil, name: String? = nil) async throws(SessionError) {
    let slot = try event.requiredSlot(name)
    guard !event.request.method.isSafe else { return }
    if slot.hasField, !slot.hasCookie { return }
    let forgery = slot.core.forgery
    let presented = event.request.headerFields[values: forgery.field] + (token.map { [$0] } ?? [])
    guard let owner = try await slot.tokenOwner(event),
        presented.contains(where: { forgery.tokens.accepts($0, of: owner) })
    else {
        throw SessionError(
            .forbidden,
            "the request does not bring its session's token; send csrfToken(_:) in the field \(forgery.field.rawName)"
        )
    }
}

extension HTTPRequest.Method {
    /// Whether the method is safe by RFC 9110 §9.2.1.
    package var isSafe: Bool { [.get, .head, .options, .trace].contains(self) }
}
