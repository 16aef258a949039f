import KVStorage

/// Returns the session's token against cross-site request forgery, for a form's hidden field or a page's script.
///
/// 256 bits, derived from the session's ID and this cookie's key: it needs no storage, changes whenever the ID does, and tells
/// nothing of the ID. Creates the session if the request has none, as the token belongs to it.
/// - Parameters:
///   - event: The request.
///   - name: Which session; by default the one that was set up first.
/// - Throws: ``SessionError``.
public func csrfToken(_ event: SessionEvent, name: String? = nil) async throws(SessionError) -> String {
    let slot = try event.requiredSlot(name)
    let id = try await slot.lock.withLock { () async throws(SessionError) -> SessionID in
        if let session = try await slot.load(event) { return session.id }
        if case .ended = slot.current { throw SessionSlot.gone }
        try await slot.create(SessionSlot.Draft(record: slot.newRecord()), event)
        guard case .live(let session) = slot.current else { throw SessionSlot.gone }
        return session.id
    }
    return slot.core.keys.csrfToken(id)
}
