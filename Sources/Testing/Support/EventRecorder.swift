import KVStorage
import Synchronization

/// Reads a watcher's events as they come and keeps them.
final class EventRecorder: Sendable {
    private struct Waiter {
        let isSatisfied: @Sendable ([StorageEvent]) -> Bool
        let continuation: CheckedContinuation<Bool, Never>
    }

    private struct State {
        var events: [StorageEvent] = []
        var ended = false
        var nextID = 0
        var waiters: [Int: Waiter] = [:]
    }

    private let state: Mutex<State>
    private let reader: Mutex<Task<Void, Never>?>

    init(_ stream: some AsyncSequence<StorageEvent, Never> & Sendable) {
        self.state = Mutex(State())
        self.reader = Mutex(nil)
        let reader = Task { [weak self] in
            for await event in stream { self?.record(event) }
            self?.end()
        }
        self.reader.withLock { $0 = reader }
    }

    deinit {
        self.reader.withLock { $0?.cancel() }
    }

    /// What has come so far.
    var events: [StorageEvent] { self.state.withLock { $0.events } }

    /// Stops reading, as a watcher does that has seen enough.
    func stop() async {
        let reader = self.reader.withLock { $0 }
        reader?.cancel()
        await reader?.value
    }

    /// Waits until the events are as asked and returns whether they are; not so when the stream ends or time is up.
    func wait(
        within limit: Duration = .seconds(20),
        until isSatisfied: @escaping @Sendable ([StorageEvent]) -> Bool
    ) async -> Bool {
        let id = self.state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        let timer = Task { [weak self] in
            try await Task.sleep(for: limit)
            self?.settle(id, false)
        }
        defer { timer.cancel() }
        return await withCheckedContinuation { continuation in
            let answer: Bool? = self.state.withLock { state in
                if isSatisfied(state.events) { return true }
                if state.ended { return false }
                state.waiters[id] = Waiter(isSatisfied: isSatisfied, continuation: continuation)
                return nil
            }
            if let answer { continuation.resume(returning: answer) }
        }
    }

    /// Waits until the stream has ended and returns whether it has.
    func waitForEnd(within limit: Duration = .seconds(20)) async -> Bool {
        // Nothing satisfies this waiter but the end.
        _ = await self.wait(within: limit) { _ in false }
        return self.state.withLock { $0.ended }
    }

    /// Waits until the key was written, and returns everything that came before it.
    ///
    /// Events come in the order of the writes, so whatever is not there by then does not come at all.
    func eventsBefore(_ marker: String) async throws(ConformanceFailure) -> [StorageEvent] {
        let arrived = await self.wait { $0.contains(.update(marker)) }
        try expect(arrived, "an update event for \(marker), which was written last; events: \(self.events.suffix(20))")
        return Array(self.events.prefix { $0 != .update(marker) })
    }

    private func record(_ event: StorageEvent) {
        let satisfied = self.state.withLock { state in
            state.events.append(event)
            let satisfied = state.waiters.filter { $0.value.isSatisfied(state.events) }
            for id in satisfied.keys { state.waiters[id] = nil }
            return satisfied.values.map(\.continuation)
        }
        for continuation in satisfied { continuation.resume(returning: true) }
    }

    private func end() {
        let waiters = self.state.withLock { state in
            state.ended = true
            defer { state.waiters = [:] }
            return state.waiters.values.map(\.continuation)
        }
        for continuation in waiters { continuation.resume(returning: false) }
    }

    private func settle(_ id: Int, _ answer: Bool) {
        self.state.withLock { $0.waiters.removeValue(forKey: id) }?.continuation.resume(returning: answer)
    }
}
