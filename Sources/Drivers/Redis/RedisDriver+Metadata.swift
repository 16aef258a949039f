public import KVStorage

extension RedisDriver {
    /// Returns size, what remains of the life time, and custom metadata, as they are at one moment.
    public func getMeta(_ key: String) async throws(StorageError) -> ItemMeta? {
        let reply = try await self.client.read(key, .transaction(5)) { writer in
            writer.encoded("*1\r\n$5\r\nMULTI\r\n*2\r\n$4\r\nPTTL\r\n")
            self.keys.write(key, to: &writer)
            writer.encoded("*2\r\n$6\r\nSTRLEN\r\n")
            self.keys.write(key, to: &writer)
            writer.encoded("*2\r\n$3\r\nGET\r\n")
            self.keys.writeMeta(key, to: &writer)
            writer.encoded("*1\r\n$4\r\nEXEC\r\n")
        }
        let parts = try reply.elements(count: 3, key)
        let remaining = try parts[0].integer(key)
        // -2: there is no such key; -1: it lives for ever.
        guard remaining != -2 else { return nil }
        return ItemMeta(
            ttl: remaining == -1 ? nil : .milliseconds(max(remaining, 1)),
            size: Int(try parts[1].integer(key)),
            fieldBytes: try parts[2].bytesOrNull(key)
        )
    }

    /// Keeps custom metadata under the item's key with a `$`, for as long as the item lives.
    public func setMeta(_ key: String, _ fields: [UInt8]?) async throws(StorageError) -> Bool {
        guard let fields else {
            return try await self.run(.removeMeta, key) { _ in }.integer(key) > 0
        }
        try Self.checkSize(key, fields)
        return try await self.run(.setMeta, key, arguments: 1) { $0.word(fields) }.integer(key) > 0
    }
}
