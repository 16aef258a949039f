import KVStorage

/// Throws unless a user is logged in who has proved who they are lately: before a payment, a new password, a new address.
///
///     let info = try await requireAuthentication(event, within: .seconds(300), methods: ["password", "totp"])
///
/// Whoever is turned away proves it again, by ``authenticateSession(_:user:persistent:methods:identifier:label:name:)`` as the
/// same user: the session goes on. Reading, updating, regenerating and touching the session never make a proof newer.
/// - Parameters:
///   - event: The request.
///   - limit: How old the proof may be; `nil` only asks whether somebody is logged in, and by these methods at some time.
///   - methods: All the methods that are asked for, each of which has to have been used within the limit. Without any, the last
///     login counts, whatever its methods were.
///   - name: Which session; by default the one that was set up first.
/// - Returns: What is known of the session.
/// - Throws: ``SessionError/Code/notAuthenticated`` if nobody is logged in, ``SessionError/Code/authenticationTooOld``;
///   and as ``getSession(_:as:name:)``.
@discardableResult
public func requireAuthentication(
    _ event: SessionEvent,
    within limit: Duration? = nil,
    methods: [String] = [],
    name: String? = nil
) async throws(SessionError) -> SessionInfo {
    let slot = try event.requiredSlot(name)
    guard let session = try await slot.session(event), session.record.user != nil else {
        throw SessionError(.notAuthenticated, "nobody is logged in; have the user log in")
    }
    let record = session.record
    let now = slot.core.clock.now
    let times =
        methods.isEmpty ? [record.authenticated ?? record.created] : methods.map { record[method: $0] }
    for time in times {
        // A time ahead was noted by a clock that was wrong: it proves nothing of when it was.
        guard let time, time <= now.advanced(by: SessionRecord.clockTolerance),
            limit.map({ time.duration(to: now) <= $0 }) ?? true
        else {
            throw SessionError(
                .authenticationTooOld,
                "the user has to prove who they are again for this; have them log in, by the methods that are asked for"
            )
        }
    }
    return SessionInfo(handle: session.handle, record: record, core: slot.core, isCurrent: true)
}
