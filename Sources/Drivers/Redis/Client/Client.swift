import KVStorage

/// What the driver sends its commands through: a server, or a cluster of them.
protocol Client: Sendable {
    typealias Encode = @Sendable (inout CommandWriter) -> Void

    /// Sends what concerns one item, and returns the last reply, or the first that is an error.
    ///
    /// - Parameter isRepeatable: Whether running it twice does no harm.
    func send(
        _ key: String,
        _ replies: Replies,
        isRepeatable: Bool,
        _ encode: Encode
    ) async throws(StorageError) -> Reply

    /// Sends commands that do not depend on each other, and returns the reply to each.
    func sendEach(_ commands: [Command], isRepeatable: Bool) async throws(StorageError) -> [Reply]

    /// Sends what only reads one item, to a server that may lag behind if the client was made so.
    func read(_ key: String, _ replies: Replies, _ encode: Encode) async throws(StorageError) -> Reply

    /// Sends commands that only read, to servers that may lag behind if the client was made so.
    func readEach(_ commands: [Command]) async throws(StorageError) -> [Reply]

    /// Divides keys, named by their positions, into groups of those that one command may name.
    func groups(of keys: some Collection<String>) -> [[Int]]

    /// The servers that hold all items together, for what goes over all of them.
    func walk() async throws(StorageError) -> NodeScan

    /// Returns the servers to go over once more after a walk, as items may have come to them unseen, or `nil` if all is done.
    func walk(after walk: NodeScan) async throws(StorageError) -> NodeScan?

    /// Waits until another attempt may succeed.
    ///
    /// - Throws: What the last one failed with, if another would not help, or the time is over.
    func recover(from error: StorageError, _ retryBudget: inout RetryBudget?) async throws(StorageError)

    /// Finishes what was accepted and closes the connections.
    func close() async
}

/// What commands that are sent as one are answered by.
enum Replies: Sendable {
    case one
    /// So many commands that do not depend on each other.
    case each(Int)
    /// `MULTI`, commands, and `EXEC`, whose reply is the last.
    case transaction(Int)

    var count: Int {
        switch self {
        case .one: 1
        case .each(let count), .transaction(let count): count
        }
    }
}

/// A command, or a transaction, on items that one server holds.
struct Command: Sendable {
    /// One of the items.
    var key: String
    var replies: Replies
    var encode: Client.Encode
}

/// Servers to go over one after the other.
struct NodeScan: Sendable {
    var servers: [Connection]
    /// Who held what when it began, in a cluster.
    var holders = SlotHolders()
    /// Why each server is gone over once more: slots whose items may have come there. `nil` for all servers.
    var gains: [Endpoint: SlotSet]?
}

extension Client {
    func read(_ key: String, _ replies: Replies, _ encode: Encode) async throws(StorageError) -> Reply {
        try await self.send(key, replies, isRepeatable: true, encode)
    }

    func readEach(_ commands: [Command]) async throws(StorageError) -> [Reply] {
        try await self.sendEach(commands, isRepeatable: true)
    }

    func walk(after walk: NodeScan) async throws(StorageError) -> NodeScan? { nil }

    /// Runs a script on an item, or on an item and its metadata: by its digest, or by its source if the server does not know
    /// it yet.
    ///
    /// - Parameters:
    ///   - onlyReads: Whether it changes nothing, so that a server that may lag behind may run it.
    ///   - words: How many words `encode` writes after the number of keys: the keys, and what else it is given.
    ///   - encode: Writes the number of keys, and those words.
    func run(
        _ script: Script,
        _ key: String,
        onlyReads: Bool = false,
        words: Int,
        _ encode: Encode
    ) async throws(StorageError) -> Reply {
        let reply = try await self.sendOrRead(key, onlyReads: onlyReads) { writer in
            writer.begin(3 + words)
            writer.encoded("$7\r\nEVALSHA\r\n")
            writer.word(script.digest)
            encode(&writer)
        }
        // The server refused before it ran anything.
        guard case .error(let error) = reply, error.code == "NOSCRIPT" else { return reply }
        return try await self.sendOrRead(key, onlyReads: onlyReads) { writer in
            writer.begin(3 + words)
            writer.encoded("$4\r\nEVAL\r\n")
            writer.word(script.source)
            encode(&writer)
        }
    }

    private func sendOrRead(
        _ key: String,
        onlyReads: Bool,
        _ encode: Encode
    ) async throws(StorageError) -> Reply {
        guard onlyReads else { return try await self.send(key, .one, isRepeatable: false, encode) }
        return try await self.read(key, .one, encode)
    }
}
