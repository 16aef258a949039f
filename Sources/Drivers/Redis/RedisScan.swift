import KVStorage

/// A walk over all keys by `SCAN`, from server to server.
///
/// On each server it begins anew when the connection was made anew meanwhile, as a cursor means nothing to a server that
/// was restarted; and as a whole when a server is away, or items may have gone from one server to another meanwhile. Then
/// names come again.
struct RedisScan: Sendable {
    private let pattern: [UInt8]
    private var walk: RedisWalk?
    /// Which of the walk's servers is gone over.
    private var position = 0
    private var cursor = Self.start
    private var epoch: Int?
    private var patience: RedisPatience?
    private(set) var isComplete = false

    private static let start = Array("0".utf8)

    init(pattern: [UInt8]) {
        self.pattern = pattern
    }

    /// Returns the names that the next step finds, mostly about `count`, often none.
    mutating func next(_ client: any RedisClient, count: Int) async throws(StorageError) -> [[UInt8]] {
        do {
            let names = try await self.step(client, count: count)
            self.patience = nil
            return names
        } catch {
            try await client.recover(from: error, &self.patience)
            self.walk = nil
            return []
        }
    }

    private mutating func step(_ client: any RedisClient, count: Int) async throws(StorageError) -> [[UInt8]] {
        let walk: RedisWalk
        if let current = self.walk {
            walk = current
        } else {
            walk = try await client.walk()
            self.walk = walk
            self.position = 0
            self.startServer()
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
        self.position += 1
        self.startServer()
        guard self.position == walk.servers.count else { return names }
        if try await client.hasChanged(since: walk, server) {
            self.walk = nil
        } else {
            self.isComplete = true
        }
        return names
    }

    private mutating func startServer() {
        self.cursor = Self.start
        self.epoch = nil
    }

    private func scan(
        _ server: RedisConnection,
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
