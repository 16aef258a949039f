import KVStorage
import Synchronization

/// The connections of a driver, and what concerns all of them.
final class RedisClient: Sendable {
    private let connections: [RedisConnection]
    private let turn = Atomic<Int>(0)

    init(_ options: RedisConnection.Options, connections: Int) throws(StorageError) {
        var made: [RedisConnection] = []
        for _ in 0..<connections { made.append(try RedisConnection(options)) }
        self.connections = made
    }

    /// Sends a command over the connection whose turn it is; see ``RedisConnection/send(replies:isRepeatable:_:)``.
    func send(
        replies: Int = 1,
        isRepeatable: Bool,
        _ encode: @Sendable (inout RedisCommandWriter) -> Void
    ) async throws(StorageError) -> RedisReply {
        try await self.next.send(replies: replies, isRepeatable: isRepeatable, encode)
    }

    /// Runs a script: by its digest, or by its source if the server does not know it yet.
    ///
    /// - Parameter encode: Writes the number of keys, the keys, and `arguments` words more. Two keys.
    func run(
        _ script: RedisScript,
        arguments: Int,
        _ encode: @Sendable (inout RedisCommandWriter) -> Void
    ) async throws(StorageError) -> RedisReply {
        let connection = self.next
        let reply = try await connection.send(isRepeatable: false) { writer in
            writer.begin(5 + arguments)
            writer.encoded("$7\r\nEVALSHA\r\n")
            writer.word(script.digest)
            encode(&writer)
        }
        // The server refused before it ran anything.
        guard case .error(let error) = reply, error.code == "NOSCRIPT" else { return reply }
        return try await connection.send(isRepeatable: false) { writer in
            writer.begin(5 + arguments)
            writer.encoded("$4\r\nEVAL\r\n")
            writer.word(script.source)
            encode(&writer)
        }
    }

    /// Finishes what was accepted and closes the connections.
    func close() async {
        for connection in self.connections { await connection.close() }
    }

    /// The connection for what has to stay on one, as each server has cursors of its own.
    var first: RedisConnection { self.connections[0] }

    private var next: RedisConnection {
        guard self.connections.count > 1 else { return self.first }
        let turn = self.turn.wrappingAdd(1, ordering: .relaxed).oldValue
        return self.connections[Int(UInt(bitPattern: turn) % UInt(self.connections.count))]
    }
}

extension RedisDriver.Configuration {
    /// What a connection needs to know of the configuration.
    func options(for url: RedisURL) -> RedisConnection.Options {
        RedisConnection.Options(
            endpoint: url.endpoint,
            username: self.username ?? url.username,
            password: self.password ?? url.password,
            database: self.database ?? url.database ?? 0,
            clientName: self.clientName,
            connectTimeout: self.connectTimeout,
            commandTimeout: self.commandTimeout,
            maximumCommands: self.maximumQueuedCommands,
            maximumBytes: self.maximumQueuedBytes,
            reconnectDelay: self.reconnectDelay,
            keepAlive: self.keepAlive
        )
    }
}
