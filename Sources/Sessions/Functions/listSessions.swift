import KVStorage

/// Returns the user's sessions that are alive, the oldest first.
///
/// - Throws: ``SessionError/Code/storage``; `notSupported` for sealed sessions.
public func listSessions<Value>(
    of user: String,
    _ config: SessionConfig<Value>
) async throws(SessionError) -> [SessionInfo] {
    try await config.core.sessions(of: user)
        .map { SessionInfo(handle: $0.handle, record: $0.record, limits: config.core.limits) }
        .sorted { ($0.created.milliseconds, $0.handle) < ($1.created.milliseconds, $1.handle) }
}
