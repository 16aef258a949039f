extension Storage {
    /// Reads all items below a base with their life times and metadata.
    ///
    /// Each item is as it was at one moment, not all at the same one. Holds all of them in memory; for more than that, see
    /// ``copy(_:to:)``.
    public func snapshot(_ base: String = "") async throws(StorageError) -> Snapshot {
        var snapshot = Snapshot()
        try await self.readPages(below: base) { (items: [Snapshot.Item]) throws(StorageError) in snapshot.items += items
        }
        return snapshot
    }

    /// Writes the items of a snapshot below a base, replacing items of the same keys and leaving all others.
    ///
    /// Life times go on from what remained when the snapshot was taken.
    public func restoreSnapshot(_ snapshot: Snapshot, to base: String = "") async throws(StorageError) {
        try await self.prefixed(base).write(snapshot.items)
    }

    /// Copies the items below a base to another storage, with their life times and metadata, and returns how many.
    ///
    /// Keys there are relative to the base. Holds one page of items in memory. Items of the same keys are replaced, all
    /// others stay.
    @discardableResult
    public func copy(_ base: String = "", to target: Storage) async throws(StorageError) -> Int {
        var copied = 0
        try await self.readPages(below: base) { (items: [Snapshot.Item]) throws(StorageError) in
            try await target.write(items)
            copied += items.count
        }
        return copied
    }

    private func readPages(
        below base: String,
        _ body: (_ items: [Snapshot.Item]) async throws(StorageError) -> Void
    ) async throws(StorageError) {
        let handle = self.prefixed(base)
        var pages = KeyPages(handle, base: "", maxDepth: nil, pageSize: 500)
        while let page = try await pages.next() {
            var items: [Snapshot.Item] = []
            do {
                let driver = page.mount.driver
                let values = try await driver.getItems(page.keys)
                for (key, value) in zip(page.keys, values) {
                    // Gone since it was listed, or since it was read.
                    guard let value, let meta = try await driver.getMeta(key) else { continue }
                    items.append(.init(key: page.name(of: key), value: value, ttl: meta.ttl, meta: meta.fieldBytes))
                }
            } catch { throw self.located(error, page.mount) }
            try await body(items)
        }
    }

    private func write(_ items: [Snapshot.Item]) async throws(StorageError) {
        for item in items {
            let route = try self.route(item.key)
            do {
                // Not the mount's default: an item that lived for ever goes on doing so.
                try await route.mount.driver.setItem(route.key, item.value, WriteOptions(ttl: item.ttl))
                if route.mount.driver.capabilities.customMetadata {
                    _ = try await route.mount.driver.setMeta(route.key, item.meta)
                } else if item.meta != nil {
                    _ = try await route.mount.driver.setMeta(route.key, item.meta)
                }
            } catch { throw error.naming(route.name) }
            route.mount.emit(.update(route.key))
        }
    }
}
