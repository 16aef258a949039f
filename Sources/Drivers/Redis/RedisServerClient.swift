import KVStorage
import Synchronization

/// One server, by one connection or several that take turns.
final class RedisServerClient: RedisClient {
    private let connections: [RedisConnection]
    private let turn = Atomic<Int>(0)

    init(_ options: RedisConnection.Options, connections: Int) throws(StorageError) {
        var made: [RedisConnection] = []
        for _ in 0..<connections { made.append(try RedisConnection(options)) }
        self.connections = made
    }

    /// The connection for what has to stay on one, as each server has cursors of its own.
    var first: RedisConnection { self.connections[0] }

    /// The connection whose turn it is.
    var next: RedisConnection {
        guard self.connections.count > 1 else { return self.first }
        let turn = self.turn.wrappingAdd(1, ordering: .relaxed).oldValue
        return self.connections[Int(UInt(bitPattern: turn) % UInt(self.connections.count))]
    }

    func send(
        _ key: String,
        _ replies: RedisReplies,
        isRepeatable: Bool,
        _ encode: Encode
    ) async throws(StorageError) -> RedisReply {
        try await self.next.send(replies: replies.count, isRepeatable: isRepeatable, encode)
    }

    func sendEach(_ commands: [RedisCommand], isRepeatable: Bool) async throws(StorageError) -> [RedisReply] {
        if isRepeatable, commands.count > 1 { return try await self.sendTogether(commands) }
        var replies: [RedisReply] = []
        for command in commands {
            replies.append(
                try await self.next.send(
                    replies: command.replies.count, isRepeatable: isRepeatable, command.encode))
        }
        return replies
    }

    /// Sends commands that may run twice in one round trip.
    private func sendTogether(_ commands: [RedisCommand]) async throws(StorageError) -> [RedisReply] {
        let results = await self.next.sendEach(commands, isRepeatable: true)
        var replies: [RedisReply] = []
        for result in results { replies.append(try result.get()) }
        return replies
    }

    func groups(of keys: some Collection<String>) -> [[Int]] {
        [Array(0..<keys.count)]
    }

    func walk() -> RedisWalk {
        RedisWalk(servers: [self.first])
    }

    func recover(from error: StorageError, _ patience: inout RedisPatience?) throws(StorageError) {
        throw error
    }

    func close() async {
        for connection in self.connections { await connection.close() }
    }
}
