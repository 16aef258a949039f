import Synchronization

/// Runs the body in so many tasks at once and returns what they return, in no order.
func concurrently<Value: Sendable>(
    _ count: Int,
    _ body: @escaping @Sendable (Int) async throws -> Value
) async throws -> [Value] {
    try await withThrowingTaskGroup(of: Value.self) { group in
        for number in 0..<count {
            group.addTask { try await body(number) }
        }
        var values: [Value] = []
        for try await value in group { values.append(value) }
        return values
    }
}

/// Waits until the condition holds, or as long as told.
func waited(for limit: Duration, until isSatisfied: () -> Bool) async {
    let end = ContinuousClock.now.advanced(by: limit)
    while !isSatisfied(), ContinuousClock.now < end, !Task.isCancelled {
        try? await Task.sleep(for: .milliseconds(1))
    }
}

/// Runs the body and returns the error that it throws, or a failure if it takes too long.
///
/// A body that is stuck is cancelled and left behind: a task group would wait for it forever. With a thread of its own it
/// may even spin without end and takes nothing from the others.
func firstOutcome(
    within limit: Duration,
    on thread: OwnThread? = nil,
    _ body: @escaping @Sendable () async throws -> Void
) async -> (any Error)? {
    let race = Race()
    let work = Task(executorPreference: thread) {
        defer { thread?.finish() }
        do {
            try await body()
            race.finish(nil)
        } catch {
            race.finish(error)
        }
    }
    let timer = Task {
        try await Task.sleep(for: limit)
        race.finish(
            ConformanceFailure("expected: an end within \(limit), but something is stuck or very slow", at: nil))
        work.cancel()
    }
    let outcome = await race.outcome()
    timer.cancel()
    return outcome
}

/// Where the first of several to finish leaves what it found.
private final class Race: Sendable {
    private enum State {
        case running
        case awaited(CheckedContinuation<(any Error)?, Never>)
        case finished((any Error)?)
    }

    private let state = Mutex(State.running)

    func finish(_ outcome: (any Error)?) {
        let continuation: CheckedContinuation<(any Error)?, Never>? = self.state.withLock { state in
            switch state {
            case .running:
                state = .finished(outcome)
                return nil
            case .awaited(let continuation):
                state = .finished(outcome)
                return continuation
            case .finished:
                return nil
            }
        }
        continuation?.resume(returning: outcome)
    }

    /// Waits for the first outcome; called once.
    func outcome() async -> (any Error)? {
        await withCheckedContinuation { continuation in
            let outcome: (any Error)?? = self.state.withLock { state in
                if case .finished(let outcome) = state { return .some(outcome) }
                state = .awaited(continuation)
                return .none
            }
            if let outcome { continuation.resume(returning: outcome) }
        }
    }
}
