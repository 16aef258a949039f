/// Returns the session's value, or `nil` if the request has no session.
///
/// Storage is read once per event, however many tasks ask; later calls answer what the event last read or wrote, until the
/// session's time is up; ``refetchSession(_:as:name:)`` reads it anew. What is changed in the returned copy is not stored, see
/// ``updateSession(_:as:name:_:)``. After ``destroySession(_:name:)`` the answer is `nil`.
///
/// Data that can't be decoded as the type, as another version of the application wrote it, counts as none, is reported, and
/// stays as it is.
/// - Parameters:
///   - event: The request.
///   - type: The value's type; inferred where the result's type is known.
///   - name: Which session; by default the one that was set up first.
/// - Throws: ``SessionError/Code/storage`` if the storage fails (that is not "no session"),
///   ``SessionError/Code/typeMismatch``, ``SessionError/Code/notStarted``.
public func getSession<Value: Codable & Sendable>(
    _ event: SessionEvent,
    as type: Value.Type = Value.self,
    name: String? = nil
) async throws(SessionError) -> Value? {
    let slot = try event.requiredSlot(name)
    return try await slot.value(of: try await slot.session(event))
}

/// Reads the session anew and returns its value, or `nil` if there is none (any more).
///
/// For an event that lives longer than a request, as that of a stream: what others have changed meanwhile is seen, and a session
/// that was ended is `nil` from here on. It is activity as any other read is.
/// - Throws: As ``getSession(_:as:name:)``.
public func refetchSession<Value: Codable & Sendable>(
    _ event: SessionEvent,
    as type: Value.Type = Value.self,
    name: String? = nil
) async throws(SessionError) -> Value? {
    let slot = try event.requiredSlot(name)
    return try await slot.value(of: try await slot.refetch(event))
}

extension SessionSlot {
    /// Decodes a session's data as the application's type.
    func value<Value: Codable & Sendable>(of session: LoadedSession?) async throws(SessionError) -> Value? {
        guard let session else {
            _ = try self.type(Value.self)
            return nil
        }
        if let box = session.value(self.core.type) as? SessionValue<Value> { return box.value }
        _ = try self.type(Value.self)
        self.core.report(.rejected(.undecodable), session)
        return nil
    }
}
