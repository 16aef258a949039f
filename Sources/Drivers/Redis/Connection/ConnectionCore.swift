import KVStorage
import Synchronization

/// What callers and the connection's thread share.
final class ConnectionCore: Sendable {
    private struct Shared {
        var connection: ConnectionState<Waiter>
        var isRunning = false
        /// The socket, for callers that write to it themselves.
        var socket: Socket?
        var finishers: [CheckedContinuation<Void, Never>] = []
    }

    let options: Connection.Options
    let wakeup: Wakeup
    let subscriber: (any Subscriber)?
    let epoch = Atomic<Int>(0)
    let isObserved: Bool
    private let place: String
    private let shared: Mutex<Shared>
    /// The time that a command has, in nanoseconds.
    private let commandTime: Int64

    init(_ options: Connection.Options, wakeup: Wakeup, subscriber: (any Subscriber)?) {
        self.options = options
        self.wakeup = wakeup
        self.subscriber = subscriber
        self.isObserved = options.observer != nil
        self.place = options.place
        self.commandTime = Instant(nanoseconds: 0).advanced(by: options.commandTimeout).nanoseconds
        let limits = ConnectionState<Waiter>.Limits(
            commands: options.maximumCommands,
            bytes: options.maximumBytes,
            silence: options.commandTimeout,
            failsFast: options.failsFast,
            writesDirectly: subscriber == nil
        )
        self.shared = Mutex(
            Shared(
                connection: ConnectionState(
                    place: options.place,
                    limits: limits,
                    isEager: subscriber != nil
                )
            )
        )
    }

    // MARK: - Callers

    func enqueue(
        replies: Int,
        collects: Bool,
        isRepeatable: Bool,
        isSuspect: Bool,
        until: Instant?,
        _ waiter: Waiter,
        _ encode: @Sendable (inout CommandWriter) -> Void
    ) {
        let now = RedisPlatform.now
        let deadline = until ?? now.advanced(byNanoseconds: self.commandTime)
        let (admission, starts, socket) = self.shared.withLock { shared in
            let admission = shared.connection.enqueue(
                isSuspect ? .suspect : .none,
                replies: replies,
                collects: collects,
                isRepeatable: isRepeatable,
                now: now,
                deadline: deadline,
                waiter: waiter,
                encode: encode
            )
            guard case .accepted = admission, !shared.isRunning else { return (admission, false, shared.socket) }
            shared.isRunning = true
            return (admission, true, nil)
        }
        switch admission {
        case .refused(let error):
            waiter.resume(.failure(error))
        case .accepted(let id, var wakes, let direct):
            if let direct {
                let written = socket?.write(direct.bytes) ?? 0
                if self.withState({ $0.callerWrote(written, of: direct) }) { wakes = true }
            }
            if starts {
                self.startThread()
            } else if wakes {
                self.wakeup.signal()
            }
            if waiter.issue(id) { self.cancel(id) }
        }
    }

    /// Adds commands that go out together: either all are taken or none.
    func enqueue(
        _ commands: [Command],
        isRepeatable: Bool,
        until: Instant?,
        _ waiters: [Waiter]
    ) {
        let now = RedisPlatform.now
        let deadline = until ?? now.advanced(byNanoseconds: self.commandTime)
        var ids: [UInt64] = []
        var wakes = false
        var refusal: StorageError?
        let starts = self.shared.withLock { shared in
            for (index, command) in commands.enumerated() {
                let admission = shared.connection.enqueue(
                    index == 0 ? .first : .further,
                    replies: command.replies.count,
                    isRepeatable: isRepeatable,
                    now: now,
                    deadline: deadline,
                    waiter: waiters[index],
                    encode: command.encode
                )
                switch admission {
                case .refused(let error):
                    refusal = error
                    return false
                case .accepted(let id, let wakesThread, _):
                    ids.append(id)
                    if wakesThread { wakes = true }
                }
            }
            defer { shared.isRunning = true }
            return !shared.isRunning
        }
        if let refusal {
            for waiter in waiters { waiter.resume(.failure(refusal)) }
            return
        }
        if starts {
            self.startThread()
        } else if wakes {
            self.wakeup.signal()
        }
        for (waiter, id) in zip(waiters, ids) where waiter.issue(id) { self.cancel(id) }
    }

    func cancel(_ waiter: Waiter) {
        if let id = waiter.cancel() { self.cancel(id) }
    }

    private func cancel(_ id: UInt64) {
        let waiter = self.shared.withLock { $0.connection.cancel(id) }
        waiter?.resume(.failure(ConnectionState<Waiter>.cancelledError))
    }

    /// Refuses new commands; those that were accepted are finished.
    func close() {
        let isRunning = self.shared.withLock { shared in
            shared.connection.close()
            return shared.isRunning
        }
        if isRunning { self.wakeup.signal() }
    }

    /// Closes and waits until all is over.
    func finish() async {
        self.close()
        await withCheckedContinuation { continuation in
            let isOver = self.shared.withLock { shared in
                if !shared.isRunning { return true }
                shared.finishers.append(continuation)
                return false
            }
            if isOver { continuation.resume() }
        }
    }

    /// Tells the observer how a command went.
    func report(
        _ outcome: Result<Reply, StorageError>,
        isRepeatable: Bool,
        since start: ContinuousClock.Instant
    ) {
        var failure: StorageError.Code?
        if case .failure(let error) = outcome { failure = error.code }
        let report = RedisCommandReport(
            server: self.place,
            isRepeatable: isRepeatable,
            duration: ContinuousClock.now - start,
            failure: failure,
            queued: self.withState { $0.commands.count - $0.dropped }
        )
        self.options.observer?.finished(report)
    }

    /// Has the connection made anew, to where its server is by then, after the replies that it owes; not if that has
    /// happened since.
    ///
    /// - Parameter epoch: Which connection the reason belongs to, `nil` for the one that there is.
    func retire(epoch: Int?, _ reason: StorageError) {
        guard epoch == nil || epoch == self.epoch.load(ordering: .acquiring) else { return }
        let now = RedisPlatform.now
        if self.withState({ $0.retire(reason, now) }) { self.wakeup.signal() }
    }

    // MARK: - The thread

    /// Calls the body with the state while nobody else does.
    func withState<Result>(
        _ body: (inout ConnectionState<Waiter>) -> sending Result
    ) -> sending Result {
        self.shared.withLock { body(&$0.connection) }
    }

    /// The connection is there.
    ///
    /// - Parameter socket: Where callers may write by themselves, if they may.
    func connected(_ socket: Socket?) {
        self.epoch.wrappingAdd(1, ordering: .acquiringAndReleasing)
        self.shared.withLock { shared in
            shared.socket = socket
            shared.connection.connected()
        }
        self.subscriber?.subscribed()
    }

    /// The connection is no more; a caller that is writing still holds on to the socket.
    func disconnected() {
        self.shared.withLock { $0.socket = nil }
    }

    /// The thread ends.
    func ended() {
        let finishers = self.shared.withLock { shared in
            shared.isRunning = false
            defer { shared.finishers = [] }
            return shared.finishers
        }
        for finisher in finishers { finisher.resume() }
    }

    private func startThread() {
        if self.options.startThread({ ConnectionLoop(self).run() }) { return }
        let error = StorageError(.unavailable, "the system has no thread left for a connection to Redis")
        var completions: [ConnectionState<Waiter>.Completion] = []
        let finishers = self.shared.withLock { shared in
            shared.connection.connectFailed(
                error, isFinal: true, retryAt: RedisPlatform.now, completions: &completions)
            // In the same step: whoever comes after this one's failure has to find that there is no thread.
            shared.isRunning = false
            defer { shared.finishers = [] }
            return shared.finishers
        }
        for (waiter, result) in completions { waiter.resume(result) }
        for finisher in finishers { finisher.resume() }
    }
}
