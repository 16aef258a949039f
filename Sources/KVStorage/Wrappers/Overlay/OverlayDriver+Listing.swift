extension OverlayDriver {
    /// Returns one page of the keys of all layers: in order if all list so, else those of the lowest first.
    public func getKeys(_ query: KeyQuery) async throws(StorageError) -> KeyPage {
        if self.lower.isEmpty {
            let page = try await self.top.getKeys(query)
            return KeyPage(keys: page.keys.filter { !Tombstone.isOne($0) }, cursor: page.cursor)
        }
        return self.capabilities.contains(.orderedKeys)
            ? try await self.mergedKeys(query) : try await self.stackedKeys(query)
    }

    /// Merges a page of each layer; where all is hidden it goes on a while, in larger and larger steps.
    private func mergedKeys(_ query: KeyQuery) async throws(StorageError) -> KeyPage {
        var inner = query
        var progress = ListingProgress()
        while true {
            let page = try await self.mergedPage(inner, limit: query.limit)
            guard page.keys.isEmpty, inner.limit < 1024, try progress.advance(&inner, past: page, self.name) else {
                return page
            }
            inner.limit *= 2
        }
    }

    /// Merges a page of each layer, up to where the first of them ends or so many keys are found.
    ///
    /// The cursor is the last key that was looked at, as with any driver whose keys are in order: what comes and goes
    /// in front of it changes nothing. From the bottom up, as items move up and never down.
    private func mergedPage(_ query: KeyQuery, limit: Int) async throws(StorageError) -> KeyPage {
        var end: String?
        var lowerKeys: [String] = []
        var topKeys: [String] = []
        for layer in self.layers.reversed() {
            lowerKeys += topKeys
            let page = try await layer.getKeysUpToKey(query)
            topKeys = page.keys
            guard let cursor = page.cursor else { continue }
            if end.map({ keyPrecedes(cursor, $0) }) ?? true { end = cursor }
        }
        let isWithin = { (key: String) in
            !Tombstone.isOne(key) && !(end.map { keyPrecedes($0, key) } ?? false)
        }
        topKeys = topKeys.filter(isWithin)
        var below: [String] = []
        var seen = Set(topKeys.map(KeyIdentity.init))
        for key in lowerKeys where isWithin(key) && seen.insert(KeyIdentity(key)).inserted { below.append(key) }
        if !below.isEmpty { below = try await self.visible(below) }
        // Finds the layers' runs and merges them.
        var keys = topKeys + below
        keys.sort(by: keyPrecedes)
        guard keys.count > limit else { return KeyPage(keys: keys, cursor: end) }
        keys.removeLast(keys.count - limit)
        return KeyPage(keys: keys, cursor: keys.last)
    }

    /// Returns one page of the lowest layer that is not listed yet.
    ///
    /// From the bottom up, as items move up and never down: one that is written meanwhile is not skipped. A key that
    /// several layers have is listed by the lowest of them.
    private func stackedKeys(_ query: KeyQuery) async throws(StorageError) -> KeyPage {
        let (index, cursor) = OverlayCursor.parse(query.cursor, layerCount: self.lower.count + 1)
        var inner = query
        inner.cursor = cursor
        let page = try await self.layers[index].getKeys(inner)
        var keys = page.keys.filter { !Tombstone.isOne($0) }
        for below in self.lower.dropFirst(index) where !keys.isEmpty {
            let isListed = try await below.presence(of: keys)
            keys = zip(keys, isListed).compactMap { $1 ? nil : $0 }
        }
        if index > 0, !keys.isEmpty { keys = try await self.visible(keys) }
        if let next = page.cursor { return KeyPage(keys: keys, cursor: OverlayCursor.make(index, next)) }
        return KeyPage(keys: keys, cursor: index == 0 ? nil : OverlayCursor.make(index - 1, nil))
    }

    /// Returns the keys of a lower layer that are not hidden, or are in the first layer again.
    private func visible(_ keys: [String]) async throws(StorageError) -> [String] {
        let tombstones = try await self.top.answers(to: keys.map(Tombstone.of)) { layer, keys throws(StorageError) in
            try await layer.getItems(keys)
        }
        let hidden = zip(keys, tombstones).compactMap { $1 == nil ? nil : $0 }
        if hidden.isEmpty { return keys }
        let isThere = try await self.top.presence(of: hidden)
        let absent = Set(zip(hidden, isThere).compactMap { $1 ? nil : KeyIdentity($0) })
        return keys.filter { !absent.contains(KeyIdentity($0)) }
    }
}

extension StorageDriver {
    /// Returns a page of keys that are in order whose cursor, if there is one, is a key.
    ///
    /// Where it is none there are keys that are no text, which hold no items: it goes on behind them.
    fileprivate func getKeysUpToKey(_ query: KeyQuery) async throws(StorageError) -> KeyPage {
        var query = query
        var progress = ListingProgress()
        var keys: [String] = []
        while true {
            let page = try await self.getKeys(query)
            keys += page.keys
            guard page.cursor?.utf8.first == 0, try progress.advance(&query, past: page, self.name) else {
                return KeyPage(keys: keys, cursor: page.cursor)
            }
        }
    }

    /// Returns for each key whether there is an item.
    fileprivate func presence(of keys: [String]) async throws(StorageError) -> [Bool] {
        var isThere = Array(repeating: false, count: keys.count)
        try await self.forEachEntry(of: keys) { index, _ in isThere[index] = true }
        return isThere
    }
}

/// Where a listing of an overlay stands: the layer's number, a colon, and the layer's own cursor after a `+`.
private enum OverlayCursor {
    static func make(_ layer: Int, _ cursor: String?) -> String {
        "\(layer):" + (cursor.map { "+\($0)" } ?? "")
    }

    /// Returns layer and cursor; no cursor stands for the beginning, which is the lowest layer.
    static func parse(_ cursor: String?, layerCount: Int) -> (layer: Int, cursor: String?) {
        guard let cursor, let colon = cursor.utf8.firstIndex(of: UInt8(ascii: ":")),
            let layer = Int(cursor[..<colon]), (0..<layerCount).contains(layer)
        else { return (layerCount - 1, nil) }
        // By bytes: what the key begins with may be one character with the sign in front of it.
        let rest = cursor.utf8[colon...].dropFirst()
        return (layer, rest.isEmpty ? nil : String(decoding: rest.dropFirst(), as: UTF8.self))
    }
}
