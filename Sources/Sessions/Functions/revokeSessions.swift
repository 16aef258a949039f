/// Ends the user's sessions everywhere, those included that begin while this runs; returns how many there were.
///
/// Each is dead at its next request, and an update that is under way in it fails. Of sealed sessions the number is not
/// known, and the answer 0; they need the `generations` storage of their configuration.
/// - Parameters:
///   - user: Whose.
///   - kept: A request whose session of this configuration goes on; `nil` ends all.
///   - config: The sessions' configuration.
/// - Throws: ``SessionError/Code/storage``, `conflict`, `notSupported`. Some sessions may have been ended then.
@discardableResult
public func revokeSessions<Value>(
    of user: String,
    except kept: SessionEvent? = nil,
    _ config: SessionConfig<Value>
) async throws(SessionError) -> Int {
    let slot = kept?.slot(config.core.name)
    if case .cookie(let sealer) = config.core.records {
        try await config.core.advanceGeneration(of: user, sealer)
        if let kept, let slot { try await slot.renewGeneration(of: user, kept) }
        return 0
    }
    var handle: String?
    if let kept, let slot { handle = try await slot.session(kept)?.handle }
    return try await config.core.revokeAll(of: user, except: handle)
}

/// Ends one session of a user; `false` if the user has no such session (any more).
///
/// - Parameters:
///   - handle: As ``SessionInfo/handle`` says.
///   - user: Whose. A session of somebody else is not ended.
///   - config: The sessions' configuration.
/// - Throws: ``SessionError/Code/storage``, `notSupported` for sealed sessions.
@discardableResult
public func revokeSession<Value>(
    _ handle: String,
    of user: String,
    _ config: SessionConfig<Value>
) async throws(SessionError) -> Bool {
    guard !config.core.records.isSealed else { throw SessionCore.keepsNoList }
    guard handle.utf8.count == SessionID.count, handle.utf8.allSatisfy({ Base64.url.contains($0) }) else {
        return false
    }
    return try await config.core.revoke(handle, of: user)
}
