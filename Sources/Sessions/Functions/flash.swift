import KVStorage

/// Leaves a value in the session for one later request to take, as a notice after a redirect.
///
/// Creates the session if there is none. A value of the same key is replaced. Counts for
/// ``SessionOptions/maximumDataBytes``.
/// - Parameters:
///   - event: The request.
///   - key: What the value is taken by.
///   - value: The value; the configuration's codec writes it.
///   - name: Which session; by default the one that was set up first.
/// - Throws: As ``updateSession(_:as:name:_:)``.
public func setFlash<Value: Encodable>(
    _ event: SessionEvent,
    _ key: String,
    _ value: Value,
    name: String? = nil
) async throws(SessionError) {
    let slot = try event.requiredSlot(name)
    let bytes: [UInt8]
    do {
        bytes = try slot.core.type.codec.encode(value)
    } catch {
        throw SessionError(.encoding, "the flash value of type \(Value.self) can't be encoded", underlying: error)
    }
    try await slot.lock.withLock { () async throws(SessionError) in
        _ = try await slot.write(event) { (draft) throws(SessionError) -> Void? in draft.record[flash: key] = bytes }
    }
}

/// Takes a value that ``setFlash(_:_:_:name:)`` left; `nil` if there is none.
///
/// R37: of all requests and tasks that take it, exactly one gets it, however often the write has to be tried again. If there
/// is none, nothing is written.
/// - Parameters:
///   - event: The request.
///   - key: What the value was left under.
///   - type: The value's type.
///   - name: Which session; by default the one that was set up first.
/// - Throws: As ``updateSession(_:as:name:_:)``; ``SessionError/Code/undecodable`` if the value is of another type: it stays.
public func takeFlash<Value: Decodable>(
    _ event: SessionEvent,
    _ key: String,
    as type: Value.Type = Value.self,
    name: String? = nil
) async throws(SessionError) -> Value? {
    let slot = try event.requiredSlot(name)
    guard try await slot.session(event)?.record[flash: key] != nil else { return nil }
    return try await slot.lock.withLock { () async throws(SessionError) -> Value? in
        guard case .live(let session) = slot.current, session.record[flash: key] != nil else { return nil }
        return try await slot.write(event) { (draft) throws(SessionError) -> Value? in
            guard let bytes = draft.record[flash: key] else { return nil }
            draft.record[flash: key] = nil
            do {
                return try slot.core.type.codec.decode(type, from: bytes)
            } catch {
                throw SessionError(
                    .undecodable, "the flash value is not of the type \(Value.self); it stays", underlying: error)
            }
        }
    }
}
