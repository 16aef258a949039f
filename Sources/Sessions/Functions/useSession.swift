import KVStorage

/// Sets a session up for a request: reads its cookie and verifies the signature.
///
/// Touches no storage, unless creation is ``SessionCreation/eager``: then the session is read, and created if there is
/// none. Calling it again for a name that is set up does nothing.
/// - Throws: ``SessionError/Code/typeMismatch`` if a session of that name but of another type is set up;
///   ``SessionError/Code/invalidConfiguration`` if one of another name has the same cookie, or if what is mounted where the
///   sessions are kept is unfit for them, see ``SessionPlace/storage(_:secrets:allowing:)``;
///   ``SessionError/Code/storage`` under eager creation.
public func useSession<Value>(_ event: SessionEvent, _ config: SessionConfig<Value>) async throws(SessionError) {
    try config.core.checkStore()
    let slot: SessionSlot
    if let present = event.slot(config.core.name) {
        slot = present
    } else {
        slot = try event.add(SessionSlot(config.core, config.core.presented(by: event)))
    }
    if slot.core !== config.core { _ = try slot.type(Value.self) }
    guard config.core.creation == .eager else { return }
    try await slot.lock.withLock { () async throws(SessionError) in
        guard try await slot.load(event) == nil, case .absent = slot.current else { return }
        try await slot.create(SessionSlot.Draft(record: slot.newRecord()), event)
    }
}
