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

    /// Returns the servers that hold all items together, for a scan of all keys.
    func walk() async throws(StorageError) -> NodeScan

    /// Returns the servers to scan once more after a scan, as items may have come to them unseen, or `nil` if all is done.
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

    var count: Int {
        switch self {
        case .one: 1
        case .each(let count): count
        }
    }
}

/// Servers to scan one after the other.
struct NodeScan: Sendable {
    var servers: [Connection]
    /// Who held what when it began, in a cluster.
    var holders = SlotHolders()
    /// Why each server is scanned once more: slots whose items may have come there. `nil` for all servers.
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
}
