import KVStorage

/// Ends the session: its record is removed, the client is told to forget its cookie.
///
/// For the rest of this event there is no session: ``getSession(_:as:name:)`` answers `nil`, updates throw
/// ``SessionError/Code/gone``. Succeeds when there is none; does nothing before ``useSession(_:_:)``.
/// - Throws: ``SessionError/Code/storage``; then the session is as it was.
public func destroySession(_ event: SessionEvent, name: String? = nil) async throws(SessionError) {
    guard let slot = event.slot(name) else { return }
    try await slot.lock.withLock { () async throws(SessionError) in try await slot.destroy(event) }
}
