import Synchronization

/// Emits the events of writes to a driver that has none of its own.
///
/// What is emitted after a call says nothing of the order in which two calls that overlapped were committed. So when two
/// that write keys of one stripe do, both emit ``StorageEvent/lagged`` behind their own events: whoever mirrors the items
/// reads them again. Costs one atomic load for each write while nobody listens.
final class WriteEvents: Sendable {
    /// A write between its beginning and its end.
    private enum Ticket {
        /// Nobody listened when it began.
        case none
        case number(Int)
    }

    private struct Write {
        /// A bit for each of the 64 stripes that it writes in.
        let stripes: UInt64
        var hasOverlapped: Bool
    }

    private struct State {
        var nextNumber = 0
        var writes: [Int: Write] = [:]
    }

    private let events: EventHub
    private let state = Mutex(State())

    init(_ events: EventHub) {
        self.events = events
    }

    /// Whether anybody listens.
    var isObserved: Bool { self.events.isObserved }

    /// Carries out a write and emits what it changed, as `events` makes it of its answer.
    ///
    /// One that fails and yet may have changed something emits ``StorageEvent/lagged``.
    func around<Result>(
        _ keys: [String],
        _ events: (Result) -> [StorageEvent],
        mayHaveChangedSomething: (StorageError) -> Bool = { $0.mayHaveChangedSomething },
        _ write: () async throws(StorageError) -> Result
    ) async throws(StorageError) -> Result {
        let ticket: Ticket = self.isObserved ? self.register(keys) : .none
        do {
            let result = try await write()
            self.end(ticket) { events(result) }
            return result
        } catch {
            self.end(ticket) { mayHaveChangedSomething(error) ? [.lagged] : [] }
            throw error
        }
    }

    private func end(_ ticket: Ticket, _ changes: () -> [StorageEvent]) {
        if case .none = ticket, !self.isObserved { return }
        self.finish(ticket, changes())
    }

    /// Emits the events, and behind them ``StorageEvent/lagged`` if the write was not alone.
    private func finish(_ ticket: Ticket, _ changes: [StorageEvent]) {
        for event in changes { self.events.emit(event) }
        // Looked at behind the emitting: whoever begins after this comes after these events.
        let wasAlone = self.state.withLock { state in
            guard case .number(let number) = ticket, let write = state.writes.removeValue(forKey: number) else {
                return false
            }
            return !write.hasOverlapped
        }
        if !wasAlone, !changes.isEmpty { self.events.emit(.lagged) }
    }

    private func register(_ keys: some Sequence<String>) -> Ticket {
        var stripes: UInt64 = 0
        for key in keys { stripes |= 1 << (keyHash(key) & 63) }
        return self.state.withLock { state in
            var write = Write(stripes: stripes, hasOverlapped: false)
            for (number, other) in state.writes where other.stripes & stripes != 0 {
                write.hasOverlapped = true
                state.writes[number]?.hasOverlapped = true
            }
            state.nextNumber += 1
            state.writes[state.nextNumber] = write
            return .number(state.nextNumber)
        }
    }
}

extension StorageError {
    /// Whether the call that threw this may have changed something all the same.
    var mayHaveChangedSomething: Bool {
        switch self.code {
        case .connectionLost, .timeout, .partlyDone, .inputOutput: true
        default: false
        }
    }
}
