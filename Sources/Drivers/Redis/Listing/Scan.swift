import KVStorage

/// A walk over all keys by `SCAN`, from server to server.
///
/// On each server it begins anew when the connection was made anew meanwhile, as a cursor means nothing to a server that
/// was restarted; and as a whole when a server is away. A server to which items may have come from another meanwhile is
/// gone over once more. Then names come again.
struct Scan: Sendable {
    private let pattern: [UInt8]
    private var walk: NodeScan?
    /// Which of the walk's servers is gone over.
    private var position = 0
    /// Whether the servers are asked which of them to go over.
    private var isAsking = false
    private var cursor = Self.start
    private var epoch: Int?
    /// How long servers that failed may go on doing so, and which they are; `nil` among them for one that failed at
    /// another question than this walk's. That others answer meanwhile gives them no more time.
    private var retryBudget: RetryBudget?
    private var failing: Set<Endpoint?> = []
    private(set) var isComplete = false

    private static let start = Array("0".utf8)

    init(pattern: [UInt8]) {
        self.pattern = pattern
    }

    /// Returns the names that the next step finds, mostly about `count`, often none.
    mutating func next(_ client: any Client, count: Int) async throws(StorageError) -> [[UInt8]] {
        do {
            return try await self.step(client, count: count)
        } catch {
            let server = self.isAsking ? nil : self.walk?.servers[self.position]
            self.failing.insert(server?.endpoint)
            self.walk = nil
            do {
                try await client.recover(from: error, &self.retryBudget)
            } catch {
                // Who goes on with the listing has as much time again.
                self.succeed(self.failing)
                throw error
            }
            return []
        }
    }

    /// Takes note that servers do what they failed to do.
    private mutating func succeed(_ servers: Set<Endpoint?>) {
        self.failing.subtract(servers)
        if self.failing.isEmpty { self.retryBudget = nil }
    }

    private mutating func step(_ client: any Client, count: Int) async throws(StorageError) -> [[UInt8]] {
        let walk: NodeScan
        if let current = self.walk {
            walk = current
        } else {
            self.isAsking = true
            var found = try await client.walk()
            // First where it failed, so that the others are not gone over each time.
            found.servers =
                found.servers.filter { self.failing.contains($0.endpoint) }
                + found.servers.filter { !self.failing.contains($0.endpoint) }
            walk = found
            self.start(walk)
        }
        guard self.position < walk.servers.count else {
            self.isComplete = true
            return []
        }
        let server = walk.servers[self.position]
        let before = server.epoch
        if let epoch = self.epoch, epoch != before { self.cursor = Self.start }
        let (names, next) = try await self.scan(server, count: count)
        self.epoch = server.epoch
        guard self.epoch == before else {
            self.cursor = Self.start
            return names
        }
        self.cursor = next
        guard next == Self.start else { return names }
        self.succeed([server.endpoint])
        self.position += 1
        self.startServer()
        // If that fails, all is gone over again, so that no name is lost.
        if self.position == walk.servers.count { try await self.goOn(after: walk, client) }
        return names
    }

    /// Goes over servers to which items may have come, if there are any.
    private mutating func goOn(after walk: NodeScan, _ client: any Client) async throws(StorageError) {
        self.isAsking = true
        if let next = try await client.walk(after: walk) {
            self.start(next)
        } else {
            self.isComplete = true
        }
    }

    private mutating func start(_ walk: NodeScan) {
        self.isAsking = false
        self.succeed([nil])
        self.walk = walk
        self.position = 0
        self.startServer()
    }

    private mutating func startServer() {
        self.cursor = Self.start
        self.epoch = nil
    }

    private func scan(
        _ server: Connection,
        count: Int
    ) async throws(StorageError) -> (names: [[UInt8]], cursor: [UInt8]) {
        let reply = try await server.send(isRepeatable: true) { writer in
            writer.begin(8)
            writer.word("SCAN")
            writer.word(self.cursor)
            writer.word("MATCH")
            writer.word(self.pattern)
            writer.word("COUNT")
            writer.word(Int64(count))
            writer.word("TYPE")
            writer.word("string")
        }
        let parts = try reply.elements(count: 2, nil)
        guard let cursor = try parts[0].bytesOrNull(nil) else { throw reply.unexpected(nil) }
        var names: [[UInt8]] = []
        for element in try parts[1].elements(nil) {
            if let name = try element.bytesOrNull(nil) { names.append(name) }
        }
        return (names, cursor)
    }
}
