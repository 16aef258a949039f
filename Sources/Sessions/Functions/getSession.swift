/// Returns the session's value, or `nil` if the request has no session.
///
/// Storage is read once per event, however many tasks ask; later calls answer what the event last read or wrote. What is
/// changed in the returned copy is not stored, see ``updateSession(_:as:name:_:)``. Before ``useSession(_:_:)`` and after
/// ``destroySession(_:name:)`` the answer is `nil`.
/// - Parameters:
///   - event: The request.
///   - type: The value's type; inferred where the result's type is known.
///   - name: Which session; by default the one that was set up first.
/// - Throws: ``SessionError/Code/storage`` if the storage fails (that is not "no session"),
///   ``SessionError/Code/typeMismatch``.
public func getSession<Value: Codable & Sendable>(
    _ event: SessionEvent,
    as type: Value.Type = Value.self,
    name: String? = nil
) async throws(SessionError) -> Value? {
    guard let slot = event.slot(name) else { return nil }
    let session = try await slot.session(event)
    if let box = session?.value as? SessionValue<Value> { return box.value }
    _ = try slot.type(Value.self)
    return nil
}
