import HTTPTypes

/// Throws unless the request proves that it comes from a page that knows the session's token (R36).
///
/// `GET`, `HEAD`, `OPTIONS` and `TRACE` pass, as they must change nothing. So does a request whose session came in a header
/// field and not in a cookie: no other site can make a browser send that. Everything else has to bring the token of
/// ``csrfToken(_:name:)`` in the field ``SessionOptions/csrfField`` or in what is given here, and have a session.
/// - Parameters:
///   - event: The request.
///   - token: A form field's content; `nil` looks in the header field alone.
///   - name: Which session; by default the one that was set up first.
/// - Throws: ``SessionError/Code/forbidden``; `storage` and the like if the session can't be read.
public func verifyCSRF(_ event: SessionEvent, token: String? = nil, name: String? = nil) async throws(SessionError) {
    let slot = try event.requiredSlot(name)
    guard !event.request.method.isSafe else { return }
    let session = try await slot.session(event)
    if session != nil, slot.hasField, !slot.hasCookie { return }
    let presented = event.request.headerFields[values: slot.core.csrfField] + (token.map { [$0] } ?? [])
    guard let session, presented.contains(where: { slot.core.keys.isCSRFToken($0, session.id) }) else {
        throw SessionError(
            .forbidden,
            "the request does not bring its session's token; send csrfToken(_:) in the field \(slot.core.csrfField.rawName)"
        )
    }
}

extension HTTPRequest.Method {
    /// Whether the method is safe by RFC 9110 §9.2.1.
    var isSafe: Bool { [.get, .head, .options, .trace].contains(self) }
}
