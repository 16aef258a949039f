import KVStorage

/// Binds the session to a user who has just proved who they are, under a new ID.
///
/// Creates a session if there is none. The old ID is dead at once. The absolute limit starts anew. What the session held before
/// its user was known does not come along, flash values included, as somebody else may have planted it; the form with `carry`
/// takes what is harmless. Of the same user's session, when logging in again, everything comes along.
///
/// If the user has more sessions now than ``SessionOptions/maximumPerUser``, the oldest end.
///
/// A logout that another request of the same session answers meanwhile is final: the login throws ``SessionError/Code/gone``.
/// From an anonymous session, or from none, the two are different sessions, and the later answer decides.
/// - Parameters:
///   - event: The request.
///   - user: Who it is: an identifier of the application's, of 1 to 1,024 bytes. It stands in the record. Users are bytes:
///     two that merely look alike are different ones.
///   - persistent: Whether the session outlives the browser, with the limits of ``SessionOptions/persistent``; `nil` keeps the
///     same user's choice, and is what the configuration says otherwise.
///   - methods: How the user proved it, as in `["password", "totp"]`, for ``requireAuthentication(_:within:methods:name:)``.
///     What the same user proved earlier by other methods stays.
///   - identifier: What the session hangs on besides, as OpenID Connect's `sid`, for ``revokeSessions(identifier:_:)``.
///   - label: What the application wants to see in ``SessionInfo/label``; cut as ``SessionDevices/maximumBytes`` says.
///   - name: Which session; by default the one that was set up first.
/// - Throws: ``SessionError``; then the session is as it was, except with ``SessionError/Code/outcomeUnknown``.
public func authenticateSession(
    _ event: SessionEvent,
    user: String,
    persistent: Bool? = nil,
    methods: [String] = [],
    identifier: String? = nil,
    label: String? = nil,
    name: String? = nil
) async throws(SessionError) {
    let slot = try event.requiredSlot(name)
    let login = Login(
        user: user, isPersistent: persistent, methods: methods, identifier: identifier, label: label)
    do {
        try await slot.lock.withLock { () async throws in try await slot.authenticate(login, event) { _ in nil } }
    } catch let error as SessionError {
        throw error
    } catch {
        throw SessionError(.storage, "logging in failed", underlying: error)
    }
}

/// Binds the session to a user as ``authenticateSession(_:user:persistent:methods:identifier:label:name:)`` does, and carries
/// over what the closure takes.
///
///     try await authenticateSession(event, user: "ada", as: Shop.self) { old, new in new.cart = old.cart }
/// - Parameters:
///   - event: The request.
///   - user: Who it is.
///   - persistent: Whether the session outlives the browser.
///   - methods: How the user proved it.
///   - identifier: What the session hangs on besides.
///   - label: What the application wants to see in the list.
///   - type: The value's type.
///   - name: Which session; by default the one that was set up first.
///   - carry: Gets the value of the anonymous session from before the login, and the new, initial one. Not called without a
///     session, nor for a user's: the same user's comes along whole, another user's stays behind. May run more than once;
///     what it throws passes through, and nothing is changed.
public func authenticateSession<Value: Codable & Sendable>(
    _ event: SessionEvent,
    user: String,
    persistent: Bool? = nil,
    methods: [String] = [],
    identifier: String? = nil,
    label: String? = nil,
    as type: Value.Type,
    name: String? = nil,
    carry: (_ old: Value, _ new: inout Value) throws -> Void
) async throws {
    let slot = try event.requiredSlot(name)
    let type = try slot.type(Value.self)
    let login = Login(
        user: user, isPersistent: persistent, methods: methods, identifier: identifier, label: label)
    try await slot.lock.withLock { () async throws in
        try await slot.authenticate(login, event) { old in
            guard let old = (old as? SessionValue<Value>)?.value else { return nil }
            var new = type.initialValue()
            try carry(old, &new)
            return (SessionValue(new), try type.encode(new))
        }
    }
}
