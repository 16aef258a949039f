import KVStorage

/// Changes the session's value as one step, and creates the session if the request has none.
///
/// No concurrent update is lost, in this process or another: when one comes between, `body` runs again on what it wrote. An
/// update never brings back what was destroyed, revoked, regenerated or expired since the request read it. A new session
/// starts from the configuration's initial value and gets a new ID, whatever the client sent.
/// - Parameters:
///   - event: The request.
///   - type: The value's type; inferred where the closure tells.
///   - name: Which session; by default the one that was set up first.
///   - body: Changes the value; may run more than once. What it throws passes through, and nothing is changed.
/// - Returns: What `body` returned.
/// - Throws: ``SessionError`` with the code `gone`, `conflict`, `tooLarge`, `encoding`, `undecodable`, `storage`, `headSent`,
///   `notStarted` or `typeMismatch`; the session is then as it was. With `outcomeUnknown` it may be changed.
@discardableResult
public func updateSession<Value: Codable & Sendable, Result>(
    _ event: SessionEvent,
    as type: Value.Type = Value.self,
    name: String? = nil,
    _ body: (inout Value) throws -> Result
) async throws -> Result {
    let slot = try event.requiredSlot(name)
    let type = try slot.type(Value.self)
    var thrown: (any Error)?
    let result = try await slot.lock.withLock { () async throws(SessionError) -> Result? in
        try await slot.write(event) { (draft) throws(SessionError) -> Result? in
            var value: Value
            if let session = draft.session {
                guard let present = session.value(type) as? SessionValue<Value> else {
                    slot.core.report(.rejected(.undecodable), session)
                    throw slot.undecodable
                }
                value = present.value
            } else {
                value = type.initialValue()
            }
            let result: Result
            do {
                result = try body(&value)
            } catch {
                thrown = error
                return nil
            }
            draft.record.data = try type.encode(value)
            draft.record.dataVersion = type.version
            draft.value = SessionValue(value)
            return result
        }
    }
    if let thrown { throw thrown }
    guard let result else { throw SessionSlot.gone }
    return result
}
