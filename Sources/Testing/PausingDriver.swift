public import KVStorage
import Synchronization

/// A driver whose calls can be held, so that a test decides what happens in between.
///
///     let pause = driver.pause(.after) { $0.operation == .get }
///     async let update: Void = updateSession(event) { $0.count += 1 }
///     await pause.reached()          // the update has read and not yet written
///     try await destroySession(other)
///     pause.resume()
public final class PausingDriver: ForwardingDriver {
    /// When a call is held.
    public enum Moment: Sendable, Hashable {
        /// Before it is carried out.
        case before
        /// Once it is carried out, before its caller learns of it.
        case after
    }

    /// One place where one call is held, once.
    public final class Pause: Sendable {
        private struct State {
            var isReached = false
            var isResumed = false
            var tests: [CheckedContinuation<Void, Never>] = []
            var call: CheckedContinuation<Void, Never>?
        }

        private let state = Mutex(State())

        /// Whether a call is held here, or was.
        public var isReached: Bool { self.state.withLock { $0.isReached } }

        /// Waits until a call is held here.
        public func reached() async {
            await withCheckedContinuation { continuation in
                let isReached = self.state.withLock { state in
                    if !state.isReached { state.tests.append(continuation) }
                    return state.isReached
                }
                if isReached { continuation.resume() }
            }
        }

        /// Lets the call go on.
        public func resume() {
            self.state.withLock { state in
                state.isResumed = true
                defer { state.call = nil }
                return state.call
            }?.resume()
        }

        fileprivate func hold() async {
            await withCheckedContinuation { continuation in
                let (tests, goesOn) = self.state.withLock { state in
                    state.isReached = true
                    if !state.isResumed { state.call = continuation }
                    defer { state.tests = [] }
                    return (state.tests, state.isResumed)
                }
                for test in tests { test.resume() }
                if goesOn { continuation.resume() }
            }
        }
    }

    private struct Plan {
        var moment: Moment
        var matches: @Sendable (DriverCall) -> Bool
        var pause: Pause
    }

    /// The driver that does the work.
    public let base: any StorageDriver
    private let plans = Mutex<[Plan]>([])

    /// Creates a driver that holds nothing yet.
    public init(_ base: some StorageDriver = .memory) {
        self.base = base
    }

    /// Holds the next matching call, that one only.
    public func pause(_ moment: Moment, where matches: @escaping @Sendable (DriverCall) -> Bool) -> Pause {
        let pause = Pause()
        self.plans.withLock { $0.append(Plan(moment: moment, matches: matches, pause: pause)) }
        return pause
    }

    /// Holds the call if a test asked for it, and forwards it.
    public func around<Result>(
        _ call: DriverCall,
        _ body: () async throws(StorageError) -> Result
    ) async throws(StorageError) -> Result {
        if let pause = self.take(.before, call) { await pause.hold() }
        let pause = self.take(.after, call)
        let result: Result
        do {
            result = try await body()
        } catch {
            if let pause { await pause.hold() }
            throw error
        }
        if let pause { await pause.hold() }
        return result
    }

    private func take(_ moment: Moment, _ call: DriverCall) -> Pause? {
        self.plans.withLock { plans in
            guard let index = plans.firstIndex(where: { $0.moment == moment && $0.matches(call) }) else { return nil }
            return plans.remove(at: index).pause
        }
    }
}
