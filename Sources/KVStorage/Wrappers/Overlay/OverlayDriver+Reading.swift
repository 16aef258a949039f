extension OverlayDriver {
    /// Returns the bytes of the first layer that has the item.
    public func getItem(_ key: String) async throws(StorageError) -> [UInt8]? {
        try await self.find(key) { layer throws(StorageError) in try await layer.getItem(key) }
    }

    /// Returns whether a layer has the item; reads no values.
    public func hasItem(_ key: String) async throws(StorageError) -> Bool {
        let found: Bool? = try await self.find(key) { layer throws(StorageError) in
            try await layer.hasItem(key) ? true : nil
        }
        return found ?? false
    }

    /// Returns what the first layer that has the item knows of it.
    public func getMeta(_ key: String) async throws(StorageError) -> ItemMeta? {
        try await self.find(key) { layer throws(StorageError) in try await layer.getMeta(key) }
    }

    /// Returns the items, each from the first layer that has it: one batch for each layer.
    public func getItems(_ keys: [String]) async throws(StorageError) -> [[UInt8]?] {
        try await self.findAll(keys) { layer, keys throws(StorageError) in try await layer.getItems(keys) }
    }

    /// Returns the items with their metadata, each from the first layer that has it: one batch for each layer.
    public func getEntries(_ keys: [String]) async throws(StorageError) -> [Entry?] {
        try await self.findAll(keys) { layer, keys throws(StorageError) in try await layer.getEntries(keys) }
    }

    private func find<Found>(
        _ key: String,
        _ read: (any StorageDriver) async throws(StorageError) -> Found?
    ) async throws(StorageError) -> Found? {
        if self.top.canHold(key), let found = try await read(self.top) { return found }
        for layer in self.lower where layer.canHold(key) {
            guard let found = try await read(layer) else { continue }
            let tombstone = Tombstone.of(key)
            guard self.top.canHold(tombstone), try await self.top.hasItem(tombstone) else { return found }
            // Written and hidden between the two looks, or hidden all along.
            return try await read(self.top)
        }
        return nil
    }

    private func findAll<Found>(
        _ keys: [String],
        _ read: (any StorageDriver, [String]) async throws(StorageError) -> [Found?]
    ) async throws(StorageError) -> [Found?] {
        if self.lower.isEmpty { return try await read(self.top, keys) }
        let both = try await self.top.answers(to: keys + keys.map(Tombstone.of), read)
        var found = Array(both.prefix(keys.count))
        let isHidden = both.suffix(keys.count).map { $0 != nil }
        if !self.top.capabilities.contains(.wholeReads) {
            // Written and hidden between the two looks: tombstones stay, so this look is as of one moment.
            let again = keys.indices.filter { found[$0] == nil && isHidden[$0] }
            if !again.isEmpty { try await self.fill(&found, at: again, of: keys, from: self.top, read) }
        }
        for layer in self.lower {
            let missing = keys.indices.filter { found[$0] == nil && !isHidden[$0] }
            if missing.isEmpty { break }
            try await self.fill(&found, at: missing, of: keys, from: layer, read)
        }
        return found
    }

    private func fill<Found>(
        _ found: inout [Found?],
        at positions: [Int],
        of keys: [String],
        from layer: any StorageDriver,
        _ read: (any StorageDriver, [String]) async throws(StorageError) -> [Found?]
    ) async throws(StorageError) {
        let answers = try await layer.answers(to: positions.map { keys[$0] }, read)
        for (position, answer) in zip(positions, answers) { found[position] = answer }
    }
}

extension StorageDriver {
    /// Whether the key is not too long; one that is can't be there.
    func canHold(_ key: String) -> Bool { key.utf8.count <= self.capabilities.maximumKeyBytes ?? .max }

    /// Reads a batch without the keys that are too long, which are absent.
    func answers<Found>(
        to keys: [String],
        _ read: (any StorageDriver, [String]) async throws(StorageError) -> [Found?]
    ) async throws(StorageError) -> [Found?] {
        let positions = keys.indices.filter { self.canHold(keys[$0]) }
        if positions.count == keys.count { return try await read(self, keys) }
        var answers = [Found?](repeating: nil, count: keys.count)
        guard !positions.isEmpty else { return answers }
        let found = try await read(self, positions.map { keys[$0] })
        for (position, answer) in zip(positions, found) { answers[position] = answer }
        return answers
    }

    /// Calls the body with batches of the entries, of about a mebibyte each, and their positions.
    func forEachEntry(
        of keys: [String],
        _ body: (Int, Entry) -> Void
    ) async throws(StorageError) {
        var start = 0
        var size = 64
        while start < keys.count {
            let chunk = Array(keys[start..<min(start + size, keys.count)])
            let entries = try await self.answers(to: chunk) { layer, keys throws(StorageError) in
                try await layer.getEntries(keys)
            }
            var bytes = 0
            for (index, entry) in entries.enumerated() {
                guard let entry else { continue }
                bytes += entry.value.count
                body(start + index, entry)
            }
            start += chunk.count
            // Nobody knows beforehand how large they are.
            size = bytes < 1 << 20 ? min(size * 2, 1024) : max(1, size / 2)
        }
    }
}
