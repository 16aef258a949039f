import KVStorage

/// Ends the session: its record is removed, the client is told to forget its cookie.
///
/// A logout is final: whatever other requests do with the session meanwhile, regenerating included, it is gone when this returns,
/// on every server that shares the store. It ends what the client presented rightly signed, also if the data can't be
/// read, the address does not fit, or there are two such cookies.
///
/// For the rest of this event there is no session: ``getSession(_:as:name:)`` answers `nil`, updates throw
/// ``SessionError/Code/gone``. Succeeds when there is none.
/// - Throws: ``SessionError/Code/storage``: then the session is as it was, and the client keeps its cookie;
///   ``SessionError/Code/outcomeUnknown``: it may be gone, call it again; ``SessionError/Code/notStarted``.
public func destroySession(_ event: SessionEvent, name: String? = nil) async throws(SessionError) {
    let slot = try event.requiredSlot(name)
    try await slot.lock.withLock { () async throws(SessionError) in try await slot.destroy(event) }
}
