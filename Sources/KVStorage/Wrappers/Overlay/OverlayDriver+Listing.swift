extension OverlayDriver {
    /// Returns one page of the keys of all layers, those of the lowest first.
    ///
    /// From the bottom up, as items move up and never down: one that is written meanwhile is not skipped. A key that
    /// several layers have is listed by the lowest of them.
    public func getKeys(_ query: KeyQuery) async throws(StorageError) -> KeyPage {
        if self.lower.isEmpty {
            let page = try await self.top.getKeys(query)
            return KeyPage(keys: page.keys.filter { !Tombstone.isOne($0) }, cursor: page.cursor)
        }
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
