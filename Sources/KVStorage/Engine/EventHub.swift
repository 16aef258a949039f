import Synchronization

/// Where a driver tells of its changes and whoever watches listens.
///
/// Costs one atomic load per write while nobody listens.
public final class EventHub: Sendable {
    /// What listens; called on a writer's thread, after the commit and under no lock of the driver's, and must not block.
    public typealias Observer = @Sendable (StorageEvent) -> Void

    private struct State {
        var nextID = 0
        var observers: [(id: Int, observer: Observer, onEnd: @Sendable () -> Void)] = []
    }

    /// Events that were posted under somebody's lock and are emitted behind it.
    private struct Outbox {
        var events: [StorageEvent] = []
        var isFlushing = false
    }

    private static let roundsOfFlush = 16

    private let state = Mutex(State())
    private let outbox = Mutex(Outbox())
    private let observerCount = Atomic(0)

    /// Creates a hub that nobody listens to.
    public init() {}

    /// Whether anybody listens; a driver can save itself the making of events when nobody does.
    public var isObserved: Bool {
        self.observerCount.load(ordering: .acquiring) > 0
    }

    /// Tells every observer; keys are relative to the driver.
    ///
    /// A removal's cause is what the driver knows it to be, else ``StorageEvent/RemovalCause/unknown``; only one that declares
    /// `.external` in ``Capabilities/watching`` may not know it.
    public func emit(_ event: StorageEvent) {
        guard self.isObserved else { return }
        for (_, observer, _) in self.state.withLock({ $0.observers }) {
            observer(event)
        }
    }

    /// Notes an event for ``flush()``, in the order of the calls: for a driver that knows the order of its commits only while
    /// it holds a lock, under which no observer must be called.
    package func post(_ event: @autoclosure () -> StorageEvent) {
        guard self.isObserved else { return }
        self.outbox.withLock { $0.events.append(event()) }
    }

    /// Emits what was posted, unless another call is about to; to be called once the lock is released.
    ///
    /// Where others go on posting, a task of its own takes over after a few rounds: no writer emits for all of them forever.
    package func flush() {
        guard self.isObserved else { return }
        for _ in 0..<Self.roundsOfFlush {
            let events = self.outbox.withLock { outbox -> [StorageEvent] in
                if outbox.isFlushing || outbox.events.isEmpty { return [] }
                outbox.isFlushing = true
                defer { outbox.events = [] }
                return outbox.events
            }
            if events.isEmpty { return }
            for event in events { self.emit(event) }
            self.outbox.withLock { $0.isFlushing = false }
        }
        // Detached: it shall not keep the writer's task-local values.
        Task.detached { self.flush() }
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
    public func finish() {
        for (_, _, onEnd) in self.state.withLock({ $0.observers }) { onEnd() }
    }

    /// Starts to tell `observer` of every event that is emitted from now on, and calls `onEnd` if the hub ends.
    /// Returns what ``removeObserver(_:)`` takes.
    public func addObserver(_ observer: @escaping Observer, onEnd: @escaping @Sendable () -> Void = {}) -> Int {
        self.state.withLock { state in
            state.nextID += 1
            // What was left when the last one stopped listening is older than this observer.
            if state.observers.isEmpty { self.outbox.withLock { $0.events = [] } }
            state.observers.append((state.nextID, observer, onEnd))
            self.observerCount.store(state.observers.count, ordering: .releasing)
            return state.nextID
        }
    }

    /// Stops telling the observer; an event that is on its way may still reach it.
    public func removeObserver(_ id: Int) {
        self.state.withLock { state in
            state.observers.removeAll { $0.id == id }
            self.observerCount.store(state.observers.count, ordering: .releasing)
        }
    }
}
