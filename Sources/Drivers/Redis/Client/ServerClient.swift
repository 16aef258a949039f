import KVStorage
import Synchronization

/// One server, by one connection or several that take turns.
final class ServerClient: Client {
    private let connections: [Connection]
    private let turn = Atomic<Int>(0)
    private let sentinels: Sentinels?
    private let observer = Mutex<(@Sendable (StorageError) -> Void)?>(nil)

    init(_ options: Connection.Options, connections: Int) throws(StorageError) {
        var made: [Connection] = []
        for _ in 0..<connections { made.append(try Connection(options)) }
        self.connections = made
        self.sentinels = options.sentinels
        options.sentinels?.onSwitch { [weak self] in self?.retire($0) }
    }

    /// Has all connections made anew, as the server is another by now.
    private func retire(_ reason: StorageError) {
        for connection in self.connections { connection.retire(reason) }
        self.observer.withLock { $0 }?(reason)
    }

    /// Calls the body with the reason when the server was found to be another.
    func onRetire(_ body: @escaping @Sendable (StorageError) -> Void) {
        self.observer.withLock { $0 = body }
    }

    /// The connection for what has to stay on one, as each server has cursors of its own.
    var first: Connection { self.connections[0] }

    /// The connection whose turn it is.
    var next: Connection {
        guard self.connections.count > 1 else { return self.first }
        let turn = self.turn.wrappingAdd(1, ordering: .relaxed).oldValue
        return self.connections[Int(UInt(bitPattern: turn) % UInt(self.connections.count))]
    }

    func send(
        _ key: String,
        _ replies: Replies,
        isRepeatable: Bool,
        _ encode: Encode
    ) async throws(StorageError) -> Reply {
        let connection = self.next
        let start = RedisPlatform.now
        let epoch = connection.epoch
        let reply = try await connection.send(replies: replies.count, isRepeatable: isRepeatable, encode)
        guard let refusal = Refusal(reply) else { return reply }
        return try await self.sendAgain(
            connection, epoch, refusal, since: start, replies.count, isRepeatable: isRepeatable, encode)
    }

    /// Sends a command, or several as one, again that a server refused as it is not the one to ask now: a master that was
    /// demoted, a replica without its master, a server that loads its data.
    ///
    /// - Parameters:
    ///   - epoch: Which connection it was refused on.
    ///   - start: When it was sent first.
    private func sendAgain(
        _ connection: Connection,
        _ epoch: Int,
        _ refusal: Refusal,
        since start: Instant,
        _ replies: Int,
        isRepeatable: Bool,
        _ encode: Encode
    ) async throws(StorageError) -> Reply {
        let options = connection.options
        let until = CallLimit.deadline ?? start.advanced(by: options.commandTimeout)
        // It is not sent so late that its answer would hardly come in time: that it was refused is the better answer.
        let margin = min(options.commandTimeout / 8, .milliseconds(500))
        var retryBudget = RetryBudget(options, until: until.advanced(by: .zero - margin))
        var (epoch, refusal, attempts) = (epoch, refusal, 0)
        while true {
            // Loading that was over by the second attempt did not last.
            if refusal.isDemoted || attempts > 0 {
                connection.retire(epoch: epoch, refusal.storageError)
                self.observer.withLock { $0 }?(refusal.storageError)
            }
            try await retryBudget.wait(refusal.storageError)
            attempts += 1
            epoch = connection.epoch
            let reply: Reply
            do throws(StorageError) {
                reply = try await connection.send(replies: replies, isRepeatable: isRepeatable, until: until, encode)
            } catch {
                // Its time was over before it was sent again: why it was refused says more.
                guard error.code == .unavailable else { throw error }
                throw refusal.storageError
            }
            guard let next = Refusal(reply) else { return reply }
            refusal = next
        }
    }

    func sendEach(_ commands: [Command], isRepeatable: Bool) async throws(StorageError) -> [Reply] {
        if isRepeatable, commands.count > 1 { return try await self.sendTogether(commands) }
        var replies: [Reply] = []
        for command in commands {
            let reply = try await self.send(
                command.key, command.replies, isRepeatable: isRepeatable, command.encode)
            replies.append(reply)
        }
        return replies
    }

    /// Sends commands that may run twice in one round trip.
    private func sendTogether(_ commands: [Command]) async throws(StorageError) -> [Reply] {
        let connection = self.next
        let start = RedisPlatform.now
        let epoch = connection.epoch
        let results = await connection.sendEach(commands, isRepeatable: true)
        var replies: [Reply] = []
        for (command, result) in zip(commands, results) {
            var reply = try result.get()
            if let refusal = Refusal(reply) {
                reply = try await self.sendAgain(
                    connection, epoch, refusal, since: start, command.replies.count, isRepeatable: true,
                    command.encode)
            }
            replies.append(reply)
        }
        return replies
    }

    func groups(of keys: some Collection<String>) -> [[Int]] {
        [Array(0..<keys.count)]
    }

    func walk() -> NodeScan {
        NodeScan(servers: [self.first])
    }

    func recover(from error: StorageError, _ retryBudget: inout RetryBudget?) throws(StorageError) {
        throw error
    }

    func close() async {
        for connection in self.connections { await connection.close() }
        await self.sentinels?.close()
    }
}
