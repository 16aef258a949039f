public import KVStorage

extension RedisDriver {
    /// Returns size, what remains of the lifetime, and custom metadata, as they are at one moment.
    public func getMeta(_ key: String) async throws(StorageError) -> ItemMeta? {
        // A script: a server that is out of memory refuses even a transaction that only reads.
        let reply = try await self.run(.readMeta, key, onlyReads: true)
        if case .null = reply { return nil }
        let parts = try reply.elements(count: 3, key)
        let remaining = try parts[0].integer(key)
        let fields = try parts[2].bytesOrNull(key)
        if fields != nil { self.knowledge.noteMetadata() }
        return ItemMeta(
            // -1: it lives forever.
            ttl: remaining == -1 ? nil : .milliseconds(max(remaining, 1)),
            size: Int(try parts[1].integer(key)),
            fieldBytes: fields
        )
    }

    /// Keeps custom metadata under the item's key with a `$`, for as long as the item lives.
    ///
    /// - Throws: `StorageError.Code.notSupported` without ``Configuration/customMetadata``,
    ///   `StorageError.Code.incompatibleFormat` if another program keeps something other than a string under the key.
    public func setMeta(_ key: String, _ fields: [UInt8]?) async throws(StorageError) -> Bool {
        guard self.customMetadata else {
            throw StorageError(
                .notSupported,
                "this Redis driver keeps no custom metadata; leave its configuration's customMetadata at true",
                key: key)
        }
        guard let fields else { return try await self.run(.removeMeta, key).integer(key) > 0 }
        try Self.checkSize(key, fields)
        self.knowledge.noteMetadata()
        return try await self.run(.setMeta, key, arguments: 1) { $0.word(fields) }.integer(key) > 0
    }
}
