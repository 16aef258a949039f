import KVStorage

/// A walk over the server's keys by `SCAN`.
///
/// It begins anew when the connection was made anew meanwhile, as a cursor means nothing to a server that was restarted;
/// then names come again.
struct RedisScan: Sendable {
    private let pattern: [UInt8]
    private var cursor = Array("0".utf8)
    private var epoch: Int?
    private(set) var isComplete = false

    init(pattern: [UInt8]) {
        self.pattern = pattern
    }

    /// Returns the names that the next step finds, mostly about `count`, often none.
    mutating func next(_ client: RedisClient, count: Int) async throws(StorageError) -> [[UInt8]] {
        let before = client.first.epoch
        if let epoch = self.epoch, epoch != before { self.cursor = Array("0".utf8) }
        let cursor = self.cursor
        let pattern = self.pattern
        let reply = try await client.first.send(isRepeatable: true) { writer in
            writer.begin(8)
            writer.word("SCAN")
            writer.word(cursor)
            writer.word("MATCH")
            writer.word(pattern)
            writer.word("COUNT")
            writer.word(Int64(count))
            writer.word("TYPE")
            writer.word("string")
        }
        let parts = try reply.elements(count: 2, nil)
        let next = try parts[0].bytesOrNull(nil)
        var names: [[UInt8]] = []
        for element in try parts[1].elements(nil) {
            if let name = try element.bytesOrNull(nil) { names.append(name) }
        }
        self.epoch = client.first.epoch
        guard let next, self.epoch == before else {
            self.cursor = Array("0".utf8)
            return names
        }
        self.cursor = next
        self.isComplete = next == Array("0".utf8)
        return names
    }
}
