import KVStorage

/// Binds the session to a user who has just proved who they are, under a new ID.
///
/// Creates a session if there is none. The old ID is dead at once. The absolute limit starts anew. What the session held before
/// its user was known does not come along, as somebody else may have planted it; the form with `carry` takes what is
/// harmless. Of the same user's session, when logging in again, everything comes along.
///
/// If the user has more sessions now than ``SessionOptions/maximumPerUser``, the oldest end.
/// - Parameters:
///   - event: The request.
///   - user: Who it is: an identifier of the application's, not empty. It stands in the record.
///   - name: Which session; by default the one that was set up first.
/// - Throws: ``SessionError``; then the session is as it was.
public func authenticateSession(
    _ event: SessionEvent,
    user: String,
    name: String? = nil
) async throws(SessionError) {
    let slot = try event.requiredSlot(name)
    do {
        try await slot.logIn(user, event) { _ in nil }
    } catch let error as SessionError {
        throw error
    } catch {
        throw SessionError(.storage, "logging in failed", underlying: error)
    }
}

/// Binds the session to a user as ``authenticateSession(_:user:name:)`` does, and carries over what the closure takes.
///
///     try await authenticateSession(event, user: "ada", as: Shop.self) { old, new in new.cart = old.cart }
/// - Parameters:
///   - event: The request.
///   - user: Who it is.
///   - type: The value's type.
///   - name: Which session; by default the one that was set up first.
///   - carry: Gets the value from before the login and the new, initial one. Not called without a session, nor for the same
///     user's. May run more than once; what it throws passes through, and nothing is changed.
public func authenticateSession<Value: Codable & Sendable>(
    _ event: SessionEvent,
    user: String,
    as type: Value.Type,
    name: String? = nil,
    carry: (_ old: Value, _ new: inout Value) throws -> Void
) async throws {
    let slot = try event.requiredSlot(name)
    let type = try slot.type(Value.self)
    try await slot.logIn(user, event) { old in
        guard let old = (old as? SessionValue<Value>)?.value else { return nil }
        var new = type.initialValue()
        try carry(old, &new)
        return (SessionValue(new), try type.encode(new))
    }
}

extension SessionSlot {
    fileprivate func logIn(
        _ user: String,
        _ event: SessionEvent,
        _ carry: (any AnySessionValue) throws -> (any AnySessionValue, [UInt8])?
    ) async throws {
        guard !user.isEmpty else { throw SessionError(.invalidConfiguration, "a user needs a name to be found by") }
        try await self.lock.withLock { () async throws in try await self.authenticate(user, event, carry: carry) }
    }
}
