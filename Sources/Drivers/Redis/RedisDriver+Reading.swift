public import KVStorage

extension RedisDriver {
    /// Returns the item's bytes by `GET`.
    public func getItem(_ key: String) async throws(StorageError) -> [UInt8]? {
        let reply = try await self.client.read(key, .one) { writer in
            writer.encoded("*2\r\n$3\r\nGET\r\n")
            self.keys.write(key, to: &writer)
        }
        return try reply.bytesOrNull(key)
    }

    /// Returns whether the item is there, by `EXISTS`.
    public func hasItem(_ key: String) async throws(StorageError) -> Bool {
        let reply = try await self.client.read(key, .one) { writer in
            writer.encoded("*2\r\n$6\r\nEXISTS\r\n")
            self.keys.write(key, to: &writer)
        }
        return try reply.integer(key) > 0
    }

    /// Returns the items: few, or such as are likely to be few megabytes as the values have been until now, by `MGET`, others in
    /// parts.
    ///
    /// With one server, and in a cluster whose items have one slot, up to 64 MiB and 100,000 items are of one moment; more are
    /// read in parts. In other clusters parts have about 8 MiB.
    public func getItems(_ keys: [String]) async throws(StorageError) -> [[UInt8]?] {
        guard keys.count > self.knowledge.itemsPerRead else { return try await self.readValues(keys) }
        guard !self.readsWhole else { return try await self.readEntries(keys, hasMetadata: false).map { $0?.value } }
        var values: [[UInt8]?] = []
        values.reserveCapacity(keys.count)
        while values.count < keys.count {
            values += try await self.readValues(Array(keys[values.count...].prefix(self.knowledge.itemsPerRead)))
        }
        return values
    }

    /// Returns the items with size, what remains of the lifetime, and custom metadata, each as of one write, by one script for
    /// the items of a slot, or of a server that is no cluster.
    ///
    /// With one server, and in a cluster whose items have one slot, up to 64 MiB and 100,000 items are of one moment; more are
    /// read in parts. In other clusters parts have about 8 MiB.
    /// - Throws: `StorageError.Code.incompatibleFormat` if another program keeps something other than a string under one of the
    ///   keys.
    public func getEntries(_ keys: [String]) async throws(StorageError) -> [Entry?] {
        try await self.readEntries(keys, hasMetadata: self.customMetadata)
    }

    /// Returns size, what remains of the lifetime, and custom metadata, as they are at one moment; the value stays in the server.
    public func getMeta(_ key: String) async throws(StorageError) -> ItemMeta? {
        // A script: a server that is out of memory refuses even a transaction that only reads.
        let now = SystemClock().now
        let reply = try await self.run(.readMeta, key, onlyReads: true)
        if case .null = reply { return nil }
        let parts = try reply.elements(count: 3, key)
        return self.meta(
            remaining: try parts[0].integer(key), size: Int(try parts[1].integer(key)),
            fields: try parts[2].bytesOrNull(key), asOf: now)
    }
}

// MARK: - Parts

extension RedisDriver {
    /// How many items, and about how many bytes, are read in one step where all are.
    private static let wholeItems = 100_000
    private static let wholeBytes = 64 << 20

    /// Whether all items are read in one step.
    private var readsWhole: Bool { self.capabilities.contains(.wholeReads) }

    /// Returns the item's bytes as its master has them: what is decided by them must not rest on an older state.
    func currentItem(_ key: String) async throws(StorageError) -> [UInt8]? {
        let reply = try await self.client.send(key, .one, isRepeatable: true) { writer in
            writer.encoded("*2\r\n$3\r\nGET\r\n")
            self.keys.write(key, to: &writer)
        }
        return try reply.bytesOrNull(key)
    }

    /// Reads items by one `MGET` for each slot.
    private func readValues(_ keys: [String]) async throws(StorageError) -> [[UInt8]?] {
        guard !keys.isEmpty else { return [] }
        let groups = self.client.groups(of: keys)
        let commands = groups.flatMap { group in
            // `MGET` is silent about what is no string; how many keys there are tells.
            [self.command("MGET", on: group.map { keys[$0] }), self.command("EXISTS", on: group.map { keys[$0] })]
        }
        let replies = try await self.client.readEach(commands)
        var values: [[UInt8]?] = Array(repeating: nil, count: keys.count)
        var doubtful: [String] = []
        for (position, group) in groups.enumerated() {
            let elements = try replies[2 * position].elements(count: group.count, keys[group[0]])
            var found = 0
            for (index, element) in zip(group, elements) {
                values[index] = try element.bytesOrNull(keys[index])
                if values[index] != nil { found += 1 }
            }
            guard try replies[2 * position + 1].integer(keys[group[0]]) > found else { continue }
            for index in group where values[index] == nil { doubtful.append(keys[index]) }
        }
        // Mostly one that has come meanwhile; what is something else is an error, as for `getItem`.
        for key in doubtful { _ = try await self.getItem(key) }
        self.knowledge.noteRead(items: values.count, bytes: values.reduce(0) { $0 + ($1?.count ?? 0) })
        return values
    }

    private func command(_ name: StaticString, on keys: [String]) -> Command {
        Command(key: keys[0]) { [names = self.keys] writer in
            writer.begin(keys.count + 1)
            writer.word(name)
            for key in keys { names.write(key, to: &writer) }
        }
    }

    /// Reads items in parts: all at once where that is one step, else as many as are likely to be few megabytes.
    private func readEntries(_ keys: [String], hasMetadata: Bool) async throws(StorageError) -> [Entry?] {
        var entries: [Entry?] = []
        entries.reserveCapacity(keys.count)
        while entries.count < keys.count {
            let count = self.readsWhole ? Self.wholeItems : self.knowledge.itemsPerRead
            entries += try await self.readPart(Array(keys[entries.count...].prefix(count)), hasMetadata)
        }
        return entries
    }

    /// Reads items by one script for each slot, and what a script had no room for by further ones.
    private func readPart(_ keys: [String], _ hasMetadata: Bool) async throws(StorageError) -> [Entry?] {
        var entries = [Entry?](repeating: nil, count: keys.count)
        var missing = Array(keys.indices)
        while !missing.isEmpty {
            let groups = self.client.groups(of: missing.map { keys[$0] }).map { $0.map { missing[$0] } }
            // Before anything is sent: what passes until the server answers makes no lifetime longer.
            let now = SystemClock().now
            let replies = try await self.client.runEachToRead(
                groups.map { group in self.readCommand(group.map { keys[$0] }, hasMetadata) })
            missing = []
            for (group, reply) in zip(groups, replies) {
                let elements = try reply.elements(keys[group[0]])
                // At least one, so that each round gets on.
                guard (1...group.count).contains(elements.count) else { throw reply.unexpected(keys[group[0]]) }
                for (index, element) in zip(group, elements) {
                    entries[index] = try self.entry(element, keys[index], asOf: now)
                }
                missing += group.dropFirst(elements.count)
            }
        }
        self.knowledge.noteRead(items: entries.count, bytes: entries.reduce(0) { $0 + ($1?.value.count ?? 0) })
        return entries
    }

    private func readCommand(_ keys: [String], _ hasMetadata: Bool) -> Command {
        let keyCount = (hasMetadata ? 2 : 1) * keys.count
        let limit = Int64(self.readsWhole ? Self.wholeBytes : Knowledge.readBytes)
        return Command(key: keys[0], .readEntries, words: keyCount + 2) { [names = self.keys] writer in
            writer.word(Int64(keyCount))
            for key in keys { names.write(key, to: &writer) }
            if hasMetadata {
                for key in keys { names.writeMeta(key, to: &writer) }
            }
            writer.word(Int64(keys.count))
            writer.word(limit)
        }
    }

    private func entry(_ reply: Reply, _ key: String, asOf now: Timestamp) throws(StorageError) -> Entry? {
        if case .null = reply { return nil }
        let parts = try reply.elements(count: 3, key)
        guard let value = try parts[0].bytesOrNull(key) else { throw reply.unexpected(key) }
        let meta = self.meta(
            remaining: try parts[1].integer(key), size: value.count, fields: try parts[2].bytesOrNull(key), asOf: now)
        return Entry(value: value, meta: meta)
    }

    /// - Parameter remaining: What `PTTL` says: -1 if the item lives forever.
    private func meta(remaining: Int64, size: Int, fields: [UInt8]?, asOf now: Timestamp) -> ItemMeta {
        if fields != nil { self.knowledge.noteMetadata() }
        return ItemMeta(
            deadline: remaining == -1 ? nil : now.advanced(by: .milliseconds(max(remaining, 1))),
            asOf: now,
            size: size,
            fieldBytes: fields
        )
    }
}
