import KVStorage

/// Listens to a server's keyspace notifications on a connection of its own.
final class RedisWatcher: Sendable {
    private let notifications: RedisNotifications
    private let connection: RedisConnection
    private let client: RedisClient
    private let mode: RedisDriver.Configuration.Watching
    /// What the notifications have to cover: by key (K), generic commands (g), strings ($), expiry (x), eviction (e).
    private static let required = "Kg$x"
    private static let wanted = "Kg$xe"

    var events: EventHub { self.notifications.events }

    /// Returns `nil` if nothing is to be listened to.
    init?(
        _ options: RedisConnection.Options,
        _ keys: RedisKeys,
        _ client: RedisClient,
        _ mode: RedisDriver.Configuration.Watching
    ) throws(StorageError) {
        guard mode != .ownWrites else { return nil }
        let channel = "__keyspace@\(options.database)__:"
        let notifications = RedisNotifications(keys, channel: Array(channel.utf8))
        var options = options
        options.subscription = Array(channel.utf8) + keys.pattern(base: "")
        self.notifications = notifications
        self.connection = try RedisConnection(options, subscriber: notifications)
        self.client = client
        self.mode = mode
    }

    /// Listens from the return of this call on, also after the connection was lost and made again.
    func start() async throws(StorageError) {
        if self.mode != .assumingNotifications { try await self.checkServer() }
        // The connection subscribes before it sends anything else. When the answer is here, so is every message about
        // what was acknowledged before: an earlier write is not told to a later watcher.
        let reply = try await self.connection.send(isRepeatable: true) { $0.encoded("*1\r\n$4\r\nPING\r\n") }
        if case .error = reply { throw reply.unexpected(nil) }
    }

    func close() async {
        await self.connection.close()
    }

    private func checkServer() async throws(StorageError) {
        let reply = try await self.client.send(isRepeatable: true) { writer in
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
        let answer = try await self.client.send(isRepeatable: true) { writer in
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
