import KVStorage

/// Gives the session a new ID and keeps its data: against session fixation, after every change of what it may do.
///
/// The old ID is dead when this returns, but for ``SessionOptions/regenerationGrace``. The idle limit starts anew, the absolute
/// one does not. An update by another request that comes between is kept, and a logout is final. Does nothing if there is no
/// session: whatever is created later has a new ID anyway.
/// - Throws: ``SessionError/Code/gone`` if the session ended or was regenerated meanwhile; `conflict`, `storage`, `headSent`,
///   `notStarted`: the client's token is the one that works, if the session is alive. With `outcomeUnknown` it may be none.
public func regenerateSession(_ event: SessionEvent, name: String? = nil) async throws(SessionError) {
    let slot = try event.requiredSlot(name)
    try await slot.lock.withLock { () async throws(SessionError) in try await slot.regenerate(event) }
}
