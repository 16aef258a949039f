import KVStorage
import Testing

@testable import KVStorageRedis

/// The state of a connection without one, and what was told to whom. Waiters are numbers, commands are words.
final class ConnectionBench {
    typealias State = ConnectionState<Int>

    static func time(_ milliseconds: Int64) -> Instant {
        Instant(nanoseconds: milliseconds * 1_000_000)
    }

    var state: State
    var told: [Int: Result<Reply, StorageError>] = [:]
    var order: [Int] = []
    var ids: [Int: UInt64] = [:]
    private var completions: [State.Completion] = []

    init(_ limits: State.Limits = .init()) {
        self.state = State(place: "here", limits: limits)
    }

    func add(
        _ waiter: Int, _ text: String, replies: Int = 1, reads: Bool = false, until: Int64 = 5000
    ) -> StorageError? {
        let admission = self.state.enqueue(
            replies: replies,
            isRepeatable: reads,
            deadline: Self.time(until),
            waiter: waiter,
            encode: { $0.bytes += Array(text.utf8) }
        )
        switch admission {
        case .refused(let error): return error
        case .accepted(let id, _, _): self.ids[waiter] = id
        }
        return nil
    }

    /// Adds a command and returns what its caller is to write, if it is to write it.
    func addDirect(
        _ waiter: Int, _ text: String, now: Int64, until: Int64, reads: Bool = false
    ) -> State.DirectOutput? {
        let admission = self.state.enqueue(
            isRepeatable: reads,
            now: Self.time(now),
            deadline: Self.time(until),
            waiter: waiter,
            encode: { $0.bytes += Array(text.utf8) }
        )
        guard case .accepted(let id, _, let direct) = admission else { return nil }
        self.ids[waiter] = id
        return direct
    }

    /// Adds commands that only read and whose replies are all wanted.
    func addCollecting(_ waiter: Int, _ text: String, replies: Int) {
        _ = self.state.enqueue(
            replies: replies,
            collects: true,
            isRepeatable: true,
            deadline: Self.time(5000),
            waiter: waiter,
            encode: { $0.bytes += Array(text.utf8) }
        )
    }

    /// Whether the thread has to be woken after a caller has written.
    func callerWrote(_ count: Int, of output: State.DirectOutput) -> Bool {
        self.state.callerWrote(count, of: output)
    }

    func plan(_ now: Int64, canWrite: Bool = true) -> State.Plan {
        let plan = self.state.plan(
            now: Self.time(now), canWrite: canWrite, completions: &self.completions)
        self.tell()
        return plan
    }

    func connect(_ now: Int64 = 0) {
        #expect(self.plan(now).step == .connect)
        self.state.connected()
    }

    func output(_ now: Int64 = 0) -> String {
        String(decoding: self.plan(now).output?.bytes ?? [], as: UTF8.self)
    }

    func receive(_ replies: [Reply], _ now: Int64 = 0) -> Bool {
        var replies = replies
        defer { self.tell() }
        return self.state.received(
            &replies, now: Self.time(now), completions: &self.completions)
    }

    func lose(
        written: UInt64 = .max,
        reason: StorageError = StorageError(.connectionLost, "it broke"),
        retryAt: Int64 = 0,
        repeatsReads: Bool = true
    ) {
        self.state.lost(
            writtenUpTo: written, reason, repeatsReads: repeatsReads,
            retryAt: Self.time(retryAt), completions: &self.completions)
        self.tell()
    }

    func failToConnect(_ error: StorageError, isFinal: Bool, retryAt: Int64) {
        self.state.connectFailed(
            error, isFinal: isFinal, retryAt: Self.time(retryAt),
            completions: &self.completions)
        self.tell()
    }

    func cancel(_ waiter: Int) -> Bool {
        guard let id = self.ids[waiter] else { return false }
        return self.state.cancel(id) == waiter
    }

    private func tell() {
        for (waiter, result) in self.completions {
            #expect(self.told.updateValue(result, forKey: waiter) == nil, "\(waiter) is told once")
            self.order.append(waiter)
        }
        self.completions = []
    }

    func code(_ waiter: Int) -> StorageError.Code? {
        guard case .failure(let error) = self.told[waiter] else { return nil }
        return error.code
    }

    func reply(_ waiter: Int) -> Reply? {
        guard case .success(let reply) = self.told[waiter] else { return nil }
        return reply
    }
}
