/// Returns what is known of the request's session besides its value: its user above all; `nil` if there is none.
///
/// - Throws: As ``getSession(_:as:name:)``.
public func sessionInfo(_ event: SessionEvent, name: String? = nil) async throws(SessionError) -> SessionInfo? {
    guard let slot = event.slot(name), let session = try await slot.session(event) else { return nil }
    return SessionInfo(handle: session.handle, record: session.record, limits: slot.core.limits)
}
