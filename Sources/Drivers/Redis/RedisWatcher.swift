import KVStorage
import Synchronization

/// Listens to the keyspace notifications of a server, or of each of a cluster's masters, on connections of its own.
final class RedisWatcher: Sendable {
    private struct State {
        var connections: [RedisEndpoint: RedisConnection] = [:]
        var isClosed = false
    }

    let events = EventHub()
    private let options: RedisConnection.Options
    private let keys: RedisKeys
    private let channel: [UInt8]
    private let client: any RedisClient
    private let mode: RedisDriver.Configuration.Watching
    private let state = Mutex(State())
    /// What the notifications have to cover: by key (K), generic commands (g), strings ($), expiry (x), eviction (e).
    private static let required = "Kg$x"
    private static let wanted = "Kg$xe"

    /// Returns `nil` if nothing is to be listened to.
    init?(
        _ options: RedisConnection.Options,
        _ keys: RedisKeys,
        _ client: any RedisClient,
        _ mode: RedisDriver.Configuration.Watching
    ) {
        guard mode != .ownWrites else { return nil }
        self.channel = Array("__keyspace@\(options.database)__:".utf8)
        self.options = options
        self.keys = keys
        self.client = client
        self.mode = mode
        (client as? RedisCluster)?.onChange { [weak self] in self?.followAgain() }
        (client as? RedisServerClient)?.onRetire { [weak self] in self?.retire($0) }
    }

    /// Listens from the return of this call on, also after a connection was lost and made again.
    func start() async throws(StorageError) {
        var patience: RedisPatience?
        while true {
            do {
                return try await self.follow()
            } catch {
                try await self.client.recover(from: error, &patience)
            }
        }
    }

    /// Listens to the servers that there are now, and to no other.
    private func follow() async throws(StorageError) {
        let servers = try await self.client.walk().servers
        for server in servers where self.mode != .assumingNotifications { try await self.check(server) }
        let gone = self.state.withLock { state in
            let gone = state.connections.filter { known in !servers.contains { $0.endpoint == known.key } }
            for endpoint in gone.keys { state.connections[endpoint] = nil }
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

    private func connection(to endpoint: RedisEndpoint) throws(StorageError) -> RedisConnection {
        try self.state.withLock { state throws(StorageError) in
            guard !state.isClosed else { throw RedisConnectionState<RedisWaiter>.closedError }
            if let connection = state.connections[endpoint] { return connection }
            let cluster = self.client as? RedisCluster
            // A master that is away may have a successor.
            let notifications = RedisNotifications(self.keys, channel: self.channel, self.events) { [weak cluster] in
                cluster?.refreshSoon()
            }
            var options = self.options
            options.endpoint = endpoint
            options.subscription = self.channel + self.keys.pattern(base: "")
            let connection = try RedisConnection(options, subscriber: notifications)
            state.connections[endpoint] = connection
            return connection
        }
    }

    /// Other masters have the items now.
    private func followAgain() {
        guard self.state.withLock({ !$0.isClosed && !$0.connections.isEmpty }) else { return }
        Task {
            try? await self.start()
            // What happened in between was not told.
            self.events.emit(.lagged)
        }
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

    private func check(_ server: RedisConnection) async throws(StorageError) {
        let reply = try await server.send(isRepeatable: true) { writer in
            writer.begin(3)
            writer.word("CONFIG")
            writer.word("GET")
            writer.word("notify-keyspace-events")
        }
        if case .error(let error) = reply {
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

    private static func error(_ message: String, _ underlying: RedisServerError?) -> StorageError {
        let reason = underlying.map { ": \($0)" } ?? ""
        return StorageError(.notSupported, message + reason, underlying: underlying)
    }
}
