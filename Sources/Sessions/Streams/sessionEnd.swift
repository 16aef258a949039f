import KVStorage

/// Emits once, when the request's session ends, and finishes; for sockets and streams, which outlive the request.
///
///     for await end in try await sessionEnd(event) { await socket.close(reason: "\(end)") }
///
/// The session may be ended by any machine that shares its store: logged out, revoked, over its user's limit, idle, too old, or
/// replaced by another user's login. Regenerating and logging in again as the same user go on. An open stream is no
/// activity: call ``touchSession(_:name:)`` where it should be.
///
/// It is noticed at once if this process ends it, as soon as the store tells of it where its driver watches other
/// processes (Redis with notifications, files), and else within ``SessionOptions/checkInterval``; time limits are noticed when
/// they pass. All who wait on sessions of one configuration in this process share one watcher, and one batch of reads at each
/// check. A store that can't be read ends no session but one whose absolute limit has passed.
///
/// A sealed session is ended by the time limits, by this process's calls, and by what the `revocations` storage says.
/// - Parameters:
///   - event: The request.
///   - name: Which session; by default the one that was set up first.
/// - Returns: The sequence, to be iterated once. Without a session it emits ``SessionEnd/none`` at once.
/// - Throws: As ``getSession(_:as:name:)``.
public func sessionEnd(
    _ event: SessionEvent,
    name: String? = nil
) async throws(SessionError) -> some AsyncSequence<SessionEnd, Never> & Sendable {
    let slot = try event.requiredSlot(name)
    return slot.core.end(of: try await slot.session(event))
}

/// Notes activity in the session, and reads it anew: what an open stream does for somebody who is there.
///
/// Writes nothing if the last note is younger than ``SessionOptions/touchInterval``, or if there is no idle timeout.
/// - Returns: Whether there is a session (still).
/// - Throws: As ``getSession(_:as:name:)``.
@discardableResult
public func touchSession(_ event: SessionEvent, name: String? = nil) async throws(SessionError) -> Bool {
    let slot = try event.requiredSlot(name)
    return try await slot.refetch(event) != nil
}
