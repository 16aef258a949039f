import Synchronization

/// One read of the cached driver, which everybody waits for who misses one of its keys meanwhile.
///
/// Runs in a task of its own: whoever waits can be cancelled, the read is not.
final class Flight: Sendable {
    typealias Outcome = Result<[Entry?], StorageError>

    private struct State {
        var outcome: Outcome?
        var nextID = 0
        var waiting: [Int: CheckedContinuation<Outcome, Never>] = [:]
        var cancelled: Set<Int> = []
    }

    /// What is read, in the order of the answers.
    let keys: [String]
    /// What was known of each key before it is read.
    let tickets: [CacheShard.Ticket]
    private let state = Mutex(State())

    init(_ keys: [String], _ tickets: [CacheShard.Ticket]) {
        self.keys = keys
        self.tickets = tickets
    }

    /// How many tasks wait for it.
    var waitingCount: Int { self.state.withLock { $0.waiting.count } }

    /// Waits for the end and returns what was read.
    ///
    /// - Throws: What the read threw; ``StorageError/Code/cancelled``.
    func entries() async throws(StorageError) -> [Entry?] {
        let id = self.state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        let outcome: Outcome = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let known = self.state.withLock { state -> Outcome? in
                    if let outcome = state.outcome { return outcome }
                    if state.cancelled.remove(id) != nil { return Self.cancelled }
                    state.waiting[id] = continuation
                    return nil
                }
                if let known { continuation.resume(returning: known) }
            }
        } onCancel: {
            let waiting = self.state.withLock { state in
                if state.waiting[id] == nil, state.outcome == nil { state.cancelled.insert(id) }
                return state.waiting.removeValue(forKey: id)
            }
            waiting?.resume(returning: Self.cancelled)
        }
        return try outcome.get()
    }

    /// Gives everybody what was read.
    func land(_ outcome: Outcome) {
        let waiting = self.state.withLock { state in
            state.outcome = outcome
            defer { state.waiting = [:] }
            return state.waiting.values
        }
        for continuation in waiting { continuation.resume(returning: outcome) }
    }

    private static let cancelled = Outcome.failure(
        StorageError(.cancelled, "the task was cancelled while it waited for the item to be read"))
}

/// The reads that are under way.
final class Flights: Sendable {
    /// A key's place in a read.
    struct Seat: Sendable {
        let flight: Flight
        let index: Int
    }

    private let seats = Mutex<[KeyIdentity: Seat]>([:])

    /// Finds each key a place in a read that began since the key was last written, and the rest of them places in a
    /// new one.
    ///
    /// `isWhole` says that all keys are to be read by one and the same.
    /// - Returns: The places in the order of the keys, and the new read, which is to be begun by the caller.
    func board(
        _ keys: [String],
        _ tickets: [CacheShard.Ticket],
        isWhole: Bool
    ) -> (seats: [Seat], new: Flight?) {
        self.seats.withLock { seats in
            var taken = zip(keys, tickets).map { key, ticket -> Seat? in
                // A read that began before a write, or during one, may have found what nobody is to be given any more.
                guard ticket.isQuiet, let seat = seats[KeyIdentity(key)] else { return nil }
                return seat.flight.tickets[seat.index] == ticket ? seat : nil
            }
            if isWhole, !taken.allSatisfy({ $0 != nil && $0?.flight === taken[0]?.flight }) {
                taken = taken.map { _ in nil }
            }
            let missing = taken.indices.filter { taken[$0] == nil }
            guard !missing.isEmpty else { return (taken.compactMap(\.self), nil) }
            let flight = Flight(missing.map { keys[$0] }, missing.map { tickets[$0] })
            for (index, position) in missing.enumerated() {
                let seat = Seat(flight: flight, index: index)
                taken[position] = seat
                if tickets[position].isQuiet { seats[KeyIdentity(keys[position])] = seat }
            }
            return (taken.compactMap(\.self), flight)
        }
    }

    /// Has nobody board the read any more.
    func close(_ flight: Flight) {
        self.seats.withLock { seats in
            for key in flight.keys where seats[KeyIdentity(key)]?.flight === flight {
                seats[KeyIdentity(key)] = nil
            }
        }
    }

    /// How many tasks wait for the read of a key.
    func waitingCount(_ key: String) -> Int {
        let seat = self.seats.withLock { $0[KeyIdentity(key)] }
        return seat?.flight.waitingCount ?? 0
    }
}
