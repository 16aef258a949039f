import Synchronization

/// Where a driver tells of its changes and whoever watches listens.
///
/// Costs one atomic load per write while nobody listens.
public final class EventHub: Sendable {
    /// What listens; called on the writer's thread, after the commit, and must neither block nor call the driver.
    public typealias Observer = @Sendable (StorageEvent) -> Void

    private struct State {
        var nextID = 0
        var observers: [(id: Int, observer: Observer, onEnd: @Sendable () -> Void)] = []
    }

    private let state = Mutex(State())
    private let observerCount = Atomic(0)

    /// Creates a hub that nobody listens to.
    public init() {}

    /// Whether anybody listens; a driver can save itself the making of events when nobody does.
    public var isObserved: Bool {
        self.observerCount.load(ordering: .acquiring) > 0
    }

    /// Tells every observer; keys are relative to the driver.
    public func emit(_ event: StorageEvent) {
        guard self.isObserved else { return }
        for (_, observer, _) in self.state.withLock({ $0.observers }) {
            observer(event)
        }
    }

    /// Emits a gap and ends the watching of everybody who listens, as nothing more can be told for now: whoever calls
    /// ``Storage/watch(_:bufferSize:)`` again finds out why.
    public func end() {
        let observers = self.state.withLock { $0.observers }
        for (_, observer, onEnd) in observers {
            observer(.lagged)
            onEnd()
        }
    }

    /// Ends the watching without a gap: for a hub that passes on the events of another that has ended, and with them the
    /// gap that came last.
    package func finish() {
        for (_, _, onEnd) in self.state.withLock({ $0.observers }) { onEnd() }
    }

    /// Starts to tell `observer` of every event that is emitted from now on, and calls `onEnd` if the hub ends.
    package func addObserver(_ observer: @escaping Observer, onEnd: @escaping @Sendable () -> Void = {}) -> Int {
        self.state.withLock { state in
            state.nextID += 1
            state.observers.append((state.nextID, observer, onEnd))
            self.observerCount.store(state.observers.count, ordering: .releasing)
            return state.nextID
        }
    }

    package func removeObserver(_ id: Int) {
        self.state.withLock { state in
            state.observers.removeAll { $0.id == id }
            self.observerCount.store(state.observers.count, ordering: .releasing)
        }
    }
}
