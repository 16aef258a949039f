/// Returns a token against cross-site request forgery, for a form's hidden field or a page's script.
///
/// It belongs to the session, and dies when the session gets a new ID, by a login for instance. For a request without a
/// session it belongs to a signed cookie of its own, called as the session's with `-csrf` behind: nothing is stored, however
/// many robots ask for a page with a form. As soon as there is a session, such a token counts no more; a page that makes its
/// session and shows a form should do it in this order.
///
/// 86 characters of base64url. Each call masks the token anew, so that responses that are compressed tell nothing of it
/// (BREACH); all of a session's are good as long as the session has its ID. Costs no more than reading the session.
/// - Parameters:
///   - event: The request.
///   - name: Which session; by default the one that was set up first.
/// - Throws: ``SessionError``; `headSent` if the response has begun and the cookie would have to go with it.
public func csrfToken(_ event: SessionEvent, name: String? = nil) async throws(SessionError) -> String {
    let slot = try event.requiredSlot(name)
    let owner = try await slot.tokenOwnerForPage(event)
    return slot.core.forgery.tokens.token(of: owner)
}
