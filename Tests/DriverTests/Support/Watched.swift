import Synchronization

/// State that tests wait for: whoever changes it wakes those who wait for what it has become.
final class Watched<State: Sendable>: Sendable {
    private struct Waiter {
        let isSatisfied: @Sendable (State) -> Bool
        let continuation: CheckedContinuation<Bool, Never>
    }

    private struct Guarded {
        var state: State
        var nextID = 0
        var waiters: [Int: Waiter] = [:]
    }

    private let guarded: Mutex<Guarded>

    init(_ state: State) {
        self.guarded = Mutex(Guarded(state: state))
    }

    /// Looks at the state, or changes it.
    @discardableResult
    func withLock<Result: Sendable>(_ body: @Sendable (inout State) -> Result) -> Result {
        let (result, woken) = self.guarded.withLock { guarded in
            let result = body(&guarded.state)
            let satisfied = guarded.waiters.filter { $0.value.isSatisfied(guarded.state) }
            for id in satisfied.keys { guarded.waiters[id] = nil }
            return (result, satisfied.values.map(\.continuation))
        }
        for continuation in woken { continuation.resume(returning: true) }
        return result
    }

    /// Waits until the state is as asked; throws when it is not after a time that is long for any machine.
    func wait(
        within limit: Duration = .seconds(60), until isSatisfied: @escaping @Sendable (State) -> Bool
    ) async throws {
        let id = self.guarded.withLock { guarded in
            guarded.nextID += 1
            return guarded.nextID
        }
        let timer = Task {
            try await Task.sleep(for: limit)
            self.guarded.withLock { $0.waiters.removeValue(forKey: id) }?.continuation.resume(returning: false)
        }
        defer { timer.cancel() }
        let isDone = await withCheckedContinuation { continuation in
            let isDone = self.guarded.withLock { guarded in
                if isSatisfied(guarded.state) { return true }
                guarded.waiters[id] = Waiter(isSatisfied: isSatisfied, continuation: continuation)
                return false
            }
            if isDone { continuation.resume(returning: true) }
        }
        guard isDone else { throw NotInTime(state: "\(self.guarded.withLock { $0.state })", limit: limit) }
    }
}

/// What had to come has not.
struct NotInTime: Error, CustomStringConvertible {
    let state: String
    let limit: Duration

    var description: String { "not within \(self.limit): \(self.state)" }
}

/// Waits for what another process, or a thread that tells nothing, brings about; throws when it has not after a time that is
/// long for any machine.
func eventually(
    _ what: String, within limit: Duration = .seconds(60), _ condition: () async throws -> Bool
) async throws {
    let end = ContinuousClock.now.advanced(by: limit)
    var pause = Duration.milliseconds(1)
    while try await !condition() {
        guard ContinuousClock.now < end else { throw NotInTime(state: what, limit: limit) }
        try await Task.sleep(for: pause)
        pause = min(pause * 2, .milliseconds(100))
    }
}
