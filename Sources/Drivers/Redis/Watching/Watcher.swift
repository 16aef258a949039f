import KVStorage
import Synchronization

/// Listens to the keyspace notifications of a server, or of each of a cluster's masters, on connections of its own.
final class Watcher: Sendable {
    private struct State {
        var connections: [Endpoint: Connection] = [:]
        /// The servers that were subscribed to.
        var subscribed: Set<Endpoint> = []
        /// Counts the subscriptions that were made anew.
        var renewals = 0
        var isRenewing = false
        var isClosed = false
    }

    let events = EventHub()
    private let options: Connection.Options
    private let keys: Keys
    private let channel: [UInt8]
    private let client: any Client
    private let mode: RedisDriver.Configuration.Watching
    private let state = Mutex(State())
    /// What the notifications have to cover: by key (K), generic commands (g), strings ($), expiry (x), eviction (e).
    private static let required = "Kg$x"
    private static let wanted = "Kg$xe"

    /// Returns `nil` if nothing is to be listened to.
    init?(
        _ options: Connection.Options,
        _ keys: Keys,
        _ client: any Client,
        _ mode: RedisDriver.Configuration.Watching
    ) {
        guard mode != .ownWrites else { return nil }
        self.channel = Array("__keyspace@\(options.database)__:".utf8)
        self.options = options
        self.keys = keys
        self.client = client
        self.mode = mode
        (client as? Cluster)?.onChange { [weak self] in self?.followAgain() }
        (client as? ServerClient)?.onRetire { [weak self] in self?.retire($0) }
    }

    /// Listens from the return of this call on, also after a connection was lost and made again.
    func start() async throws(StorageError) {
        var retryBudget: RetryBudget?
        while true {
            do {
                return try await self.follow()
            } catch {
                try await self.client.recover(from: error, &retryBudget)
            }
        }
    }

    /// Listens to the servers that there are now, and to no other.
    private func follow() async throws(StorageError) {
        let servers = try await self.client.walk().servers
        for server in servers where self.mode != .assumingNotifications { try await self.check(server) }
        let gone = self.state.withLock { state in
            let gone = state.connections.filter { known in !servers.contains { $0.endpoint == known.key } }
            for endpoint in gone.keys {
                state.connections[endpoint] = nil
                state.subscribed.remove(endpoint)
            }
            return gone.values
        }
        for connection in gone { await connection.close() }
        for server in servers {
            // The connection subscribes before it sends anything else. When the answer is here, so is every message about
            // what was acknowledged before: an earlier write is not told to a later watcher.
            let reply = try await self.connection(to: server.endpoint)
                .send(isRepeatable: true) { $0.encoded("*1\r\n$4\r\nPING\r\n") }
            if case .error = reply { throw reply.unexpected(nil) }
        }
    }

    private func connection(to endpoint: Endpoint) throws(StorageError) -> Connection {
        try self.state.withLock { state throws(StorageError) in
            guard !state.isClosed else { throw ConnectionState<Waiter>.closedError }
            if let connection = state.connections[endpoint] { return connection }
            let cluster = self.client as? Cluster
            // A master that is away may have a successor.
            let notifications = Notifications(self.keys, channel: self.channel, self.events) { [weak self] in
                self?.subscribed(to: endpoint)
            } onLoss: { [weak cluster] in
                cluster?.refreshSoon()
            }
            var options = self.options
            options.endpoint = endpoint
            options.subscription = self.channel + self.keys.pattern(base: "")
            let connection = try Connection(options, subscriber: notifications)
            state.connections[endpoint] = connection
            return connection
        }
    }

    /// Other masters have the items now.
    private func followAgain() {
        guard self.state.withLock({ !$0.isClosed && !$0.connections.isEmpty }) else { return }
        self.renew()
    }

    /// A subscription holds from now on; called on the connection's thread.
    private func subscribed(to endpoint: Endpoint) {
        guard self.state.withLock({ !$0.subscribed.insert(endpoint).inserted }) else { return }
        self.renew()
    }

    /// A server was out of reach, or another has come. It may be one that was restarted without notifications, so that they
    /// are looked at before the gap is told: once it is told, everything is heard again.
    private func renew() {
        let isFirst = self.state.withLock { state in
            state.renewals += 1
            defer { state.isRenewing = true }
            return !state.isRenewing
        }
        guard isFirst else { return }
        // Detached: it shall not keep the task-local values of whoever happened to find out.
        Task.detached { [weak self] in
            while let renewals = self?.state.withLock({ $0.renewals }) {
                guard await self?.renewOnce() == true else { return }
                let isDone = self?.state.withLock { state in
                    guard state.renewals == renewals || state.isClosed else { return false }
                    state.isRenewing = false
                    return true
                }
                if isDone != false { return }
            }
        }
    }

    /// Looks at the servers' notifications until that has succeeded or is known to be in vain, and returns whether the
    /// watcher goes on.
    private func renewOnce() async -> Bool {
        var backoff = Backoff(self.options.reconnectDelay)
        var generator = SystemRandomNumberGenerator()
        while !self.state.withLock({ $0.isClosed }) {
            do throws(StorageError) {
                try await self.start()
                self.events.emit(.lagged)
                return true
            } catch {
                switch error.code {
                case .notSupported, .permissionDenied, .invalidOption, .incompatibleFormat, .closed:
                    await self.giveUp()
                    return false
                default:
                    try? await Task.sleep(for: backoff.next(using: &generator))
                }
            }
        }
        return false
    }

    /// Nothing more is heard: whoever watches is told so by the end, and finds out why by watching again.
    private func giveUp() async {
        let connections = self.state.withLock { state in
            defer {
                state.connections = [:]
                state.subscribed = []
                state.isRenewing = false
            }
            return state.connections.values
        }
        for connection in connections { await connection.close() }
        self.events.end()
    }

    /// The server is another by now: what it tells is listened to in its successor's place. The gap is told.
    private func retire(_ reason: StorageError) {
        let connections = self.state.withLock { $0.connections.values }
        for connection in connections { connection.retire(reason) }
    }

    func close() async {
        let connections = self.state.withLock { state in
            state.isClosed = true
            return state.connections.values
        }
        for connection in connections { await connection.close() }
    }

    private func check(_ server: Connection) async throws(StorageError) {
        let reply = try await server.send(isRepeatable: true) { writer in
            writer.begin(3)
            writer.word("CONFIG")
            writer.word("GET")
            writer.word("notify-keyspace-events")
        }
        if case .error(let error) = reply {
            try Self.checkLasts(error)
            throw Self.error(
                "the server does not say whether its keyspace notifications are on; if they are, configure "
                    + "watching: .assumingNotifications", error)
        }
        let elements = try reply.elements(nil)
        let flags = String(decoding: try elements.last?.bytesOrNull(nil) ?? [], as: UTF8.self)
        guard let missing = Self.missing(in: flags) else { return }
        guard self.mode == .switchingNotificationsOn else {
            throw Self.error(
                "the server's keyspace notifications are off or lack \"\(missing)\"; set "
                    + "notify-keyspace-events to \"\(Self.wanted)\", or configure watching: .switchingNotificationsOn",
                nil)
        }
        let answer = try await server.send(isRepeatable: true) { writer in
            writer.begin(4)
            writer.word("CONFIG")
            writer.word("SET")
            writer.word("notify-keyspace-events")
            writer.word(flags + Self.wanted.filter { !flags.contains($0) })
        }
        if case .error(let error) = answer {
            try Self.checkLasts(error)
            throw Self.error(
                "the server's keyspace notifications are off, and it does not allow to switch them on", error)
        }
        try answer.expectOK(nil)
    }

    /// Returns the flags that are required and not set, or `nil` if all are.
    static func missing(in flags: String) -> String? {
        let missing = self.required.filter { flag in
            !flags.contains(flag) && (flag == "K" || !flags.contains("A"))
        }
        return missing.isEmpty ? nil : missing
    }

    /// Throws if the server will give another answer soon.
    private static func checkLasts(_ error: RedisServerError) throws(StorageError) {
        let translated = StorageError(redis: error, key: nil)
        if translated.code == .unavailable { throw translated }
    }

    private static func error(_ message: String, _ underlying: RedisServerError?) -> StorageError {
        let reason = underlying.map { ": \($0)" } ?? ""
        return StorageError(.notSupported, message + reason, underlying: underlying)
    }
}
