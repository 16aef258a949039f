import KVStorage

/// Runs the body until it is done or the request's session ends, which cancels it.
///
///     try await withSession(event) {
///         for await message in messages { try await socket.send(message) }
///     }
///
/// See ``sessionEnd(_:name:)`` for what ends a session and when it is noticed.
/// - Parameters:
///   - event: The request.
///   - name: Which session; by default the one that was set up first.
///   - body: Runs in a task of its own, which is cancelled when the session ends: it has to end then.
/// - Returns: What the body returned, also if it did so after it was cancelled.
/// - Throws: What the body throws; but ``SessionError/Code/gone`` if the session's end came first, or if there was no session to
///   begin with: then the body does not run.
public func withSession<Result: Sendable>(
    _ event: SessionEvent,
    name: String? = nil,
    _ body: @escaping @Sendable () async throws -> Result
) async throws -> Result {
    let slot = try event.requiredSlot(name)
    guard let session = try await slot.session(event) else { throw SessionSlot.gone }
    let ends = slot.core.end(of: session)
    return try await withThrowingTaskGroup(of: Outcome<Result>.self) { group in
        group.addTask { .result(try await body()) }
        group.addTask {
            for await _ in ends { return .ended }
            return .cancelled
        }
        defer { group.cancelAll() }
        var isEnded = false
        do {
            while let outcome = try await group.next() {
                switch outcome {
                case .result(let result): return result
                case .ended:
                    isEnded = true
                    group.cancelAll()
                case .cancelled: break
                }
            }
        } catch {
            throw isEnded ? SessionSlot.gone : error
        }
        throw SessionSlot.gone
    }
}

/// What came first.
private enum Outcome<Result: Sendable>: Sendable {
    case result(Result)
    case ended
    case cancelled
}
