/// Returns what is known of the request's session besides its value: its user above all; `nil` if there is none.
///
/// The value is not decoded for that.
/// - Throws: As ``getSession(_:as:name:)``.
public func sessionInfo(_ event: SessionEvent, name: String? = nil) async throws(SessionError) -> SessionInfo? {
    let slot = try event.requiredSlot(name)
    guard let session = try await slot.session(event) else { return nil }
    return SessionInfo(handle: session.handle, record: session.record, core: slot.core, isCurrent: true)
}
