import KVStorage

/// Returns the user's sessions that are alive, the oldest first.
///
/// Costs a read of the user's list, one of all its records and one of what revocations change.
/// - Parameters:
///   - user: Whose.
///   - current: The request that asks: its own session is marked by ``SessionInfo/isCurrent``. `nil` marks none.
///   - config: The sessions' configuration.
/// - Throws: ``SessionError/Code/storage``; ``SessionError/Code/undecodable`` if the list is damaged; `notSupported` for sealed
///   sessions.
public func listSessions<Value>(
    of user: String,
    current: SessionEvent? = nil,
    _ config: SessionConfig<Value>
) async throws(SessionError) -> [SessionInfo] {
    let core = config.core
    var own: String?
    if let current { own = try await current.requiredSlot(core.name).session(current)?.handle }
    return try await core.sessions(of: user)
        .map { SessionInfo(handle: $0.handle, record: $0.record, core: core, isCurrent: $0.handle == own) }
        .sorted { ($0.created.milliseconds, $0.handle) < ($1.created.milliseconds, $1.handle) }
}
