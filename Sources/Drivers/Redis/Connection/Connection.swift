import KVStorage
import Synchronization

/// One connection, shared by any number of tasks.
///
/// A caller encodes its command into a common buffer and waits. A thread of the connection's own writes whatever has come
/// together at once and hands out the replies, so that the tasks share round trips without knowing of each other. The
/// connection is made when the first command comes, and made again when it was lost and there is a command to send.
final class Connection: Sendable {
    struct Options: Sendable {
        typealias Security = @Sendable (PlainTransport, Endpoint) -> (any Transport)?

        var endpoint: Endpoint
        var username: String?
        var password: Secret?
        /// Whom to log in as, asked anew for each connection; `nil` for the user and password above.
        var credentials: (@Sendable () async throws -> RedisDriver.Credentials)?
        /// Who tells where the server is, which then has to be a master; `nil` for the endpoint.
        var sentinels: Sentinels?
        var observer: (any RedisObserver)?
        var database = 0
        var clientName: String?
        var connectTimeout: Duration = .seconds(5)
        var commandTimeout: Duration = .seconds(5)
        var maximumCommands = Int.max
        var maximumBytes = Int.max
        var reconnectDelay: ClosedRange<Duration> = .milliseconds(20)...(.seconds(2))
        var keepAlive: Duration?
        /// Whether what can't be sent at once fails instead of waiting, as another server may take it.
        var failsFast = false
        /// Whether the server may be a replica that is to answer reads itself.
        var readsReplica = false
        /// Encrypts what a transport to a server sends and receives; `nil` for bytes as they are.
        var secure: Security?
        /// Finds the addresses of a host's name and a port, and may block.
        var lookUp: @Sendable (_ host: String, _ port: Int) -> Resolution.Outcome = {
            RedisPlatform.addresses(ofHost: $0, port: $1, digitsOnly: false)
        }
        /// Starts a thread and returns whether there is one.
        var startThread: @Sendable (@escaping @Sendable () -> Void) -> Bool = {
            RedisPlatform.startThread($0)
        }
        /// Where it is noted whether the server evicts; `nil` asks for nothing.
        var memoryPolicy: MemoryPolicy?
        /// A pattern of channels; what comes on them goes to the subscriber. Such a connection, once it was used, is kept up.
        var subscription: [UInt8]?

        /// What the server is called in messages.
        var place: String { self.sentinels?.place ?? self.endpoint.description }
    }

    private let core: ConnectionCore

    init(_ options: Options, subscriber: (any Subscriber)? = nil) throws(StorageError) {
        guard let wakeup = Wakeup() else {
            throw StorageError(.unavailable, "the process has no file descriptor left for a connection to Redis")
        }
        self.core = ConnectionCore(options, wakeup: wakeup, subscriber: subscriber)
    }

    deinit {
        self.core.close()
    }

    /// Sends a command, or several as one, and returns the last reply, or the first that is an error; with `collects` an
    /// array of all of them.
    ///
    /// It may take until the time given, by default for as long as the call or a command may take. A suspect is sent while
    /// nothing else is with the server, as the connection broke at it before.
    ///
    /// - Throws: `StorageError.Code.timeout`, `StorageError.Code.unavailable` or what else kept it from being sent,
    ///   `StorageError.Code.connectionLost` if it may have run, `StorageError.Code.overloaded`,
    ///   `StorageError.Code.cancelled`, `StorageError.Code.closed`.
    func send(
        replies: Int = 1,
        collects: Bool = false,
        isRepeatable: Bool,
        isSuspect: Bool = false,
        until: Instant? = nil,
        _ encode: @Sendable (inout CommandWriter) -> Void
    ) async throws(StorageError) -> Reply {
        guard !Task.isCancelled else { throw ConnectionState<Waiter>.cancelledError }
        let waiter = Waiter()
        let start = self.core.isObserved ? ContinuousClock.now : nil
        await withTaskCancellationHandler {
            await waiter.wait {
                self.core.enqueue(
                    replies: replies,
                    collects: collects,
                    isRepeatable: isRepeatable,
                    isSuspect: isSuspect,
                    until: until ?? CallLimit.deadline,
                    waiter,
                    encode
                )
            }
        } onCancel: {
            self.core.cancel(waiter)
        }
        let outcome = waiter.takeOutcome()
        if let start { self.core.report(outcome, isRepeatable: isRepeatable, since: start) }
        return try outcome.get()
    }

    var options: Options { self.core.options }

    /// Sends commands that do not depend on each other, all at once, and returns what came of each.
    ///
    /// Each is a command by itself: if the connection breaks, one that may have run is not sent again because of others
    /// that can't have. Either all are refused as too many or none is.
    func sendEach(
        _ commands: [Command],
        isRepeatable: Bool,
        until: Instant? = nil
    ) async -> [Result<Reply, StorageError>] {
        guard !commands.isEmpty else { return [] }
        guard !Task.isCancelled else {
            return commands.map { _ in .failure(ConnectionState<Waiter>.cancelledError) }
        }
        let start = self.core.isObserved ? ContinuousClock.now : nil
        let group = WaiterGroup(commands.count)
        let waiters = commands.map { _ in Waiter(group) }
        await withTaskCancellationHandler {
            await group.wait {
                self.core.enqueue(
                    commands, isRepeatable: isRepeatable, until: until ?? CallLimit.deadline, waiters)
            }
        } onCancel: {
            for waiter in waiters { self.core.cancel(waiter) }
        }
        let outcomes = waiters.map { $0.takeOutcome() }
        if let start {
            for outcome in outcomes { self.core.report(outcome, isRepeatable: isRepeatable, since: start) }
        }
        return outcomes
    }

    /// Whether the connection is there, so that a question costs no new one.
    var isConnected: Bool { self.core.withState { $0.phase == .ready } }

    /// Where the server is.
    var endpoint: Endpoint { self.core.options.endpoint }

    /// How often the connection was made so far; it may be to another server each time.
    var epoch: Int { self.core.epoch.load(ordering: .acquiring) }

    /// Has the connection made anew, to where its server is by then, after the replies that it owes.
    ///
    /// - Parameter epoch: Which connection the reason belongs to: nothing happens if it is another by now.
    func retire(epoch: Int? = nil, _ reason: StorageError) {
        self.core.retire(epoch: epoch, reason)
    }

    /// Refuses new commands, waits for those that were accepted, and closes the connection.
    func close() async {
        await self.core.finish()
    }
}

/// Takes what comes on a connection that subscribes; called on the connection's thread.
protocol Subscriber: Sendable {
    /// The subscription holds from now on.
    func subscribed()
    /// The connection was lost, or could not be made.
    func lost()
    /// Takes the parts of a message, the first being `pmessage`.
    func receive(_ message: [Reply])
    /// All messages that came together were received.
    func receivedAll()
}

extension Subscriber {
    func receivedAll() {}
}
