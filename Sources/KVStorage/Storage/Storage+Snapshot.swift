extension Storage {
    /// Reads all items below a base with their lifetimes and metadata.
    ///
    /// Each item is as it was at one moment, not all at the same one. Holds all of them in memory; for more than that, see
    /// ``copy(_:to:)``. A task that is cancelled ends it at the next page.
    /// - Throws: ``StorageError/Code/cancelled``; else as ``getKeys(_:maxDepth:)``.
    public func snapshot(_ base: String = "") async throws(StorageError) -> Snapshot {
        var snapshot = Snapshot()
        var pages = try self.itemPages(below: base)
        while let items = try await self.nextItems(&pages) { snapshot.items += items }
        return snapshot
    }

    /// Writes the items of a snapshot below a base, replacing items of the same keys and leaving all others.
    ///
    /// Lifetimes go on from what remained when the snapshot was taken. A task that is cancelled ends it within 500 items.
    /// - Throws: ``StorageError/Code/invalidOption`` if an item's lifetime is not positive, and
    ///   ``StorageError/Code/invalidKey`` for a key that can't be one, before anything is written;
    ///   ``StorageError/Code/partlyDone`` if the task is cancelled after some were written.
    public func restoreSnapshot(_ snapshot: Snapshot, to base: String = "") async throws(StorageError) {
        let target = try self.branch(base)
        for item in snapshot.items {
            _ = try target.route(item.key)
            do { try Self.validate(ttl: item.ttl) } catch { throw error.naming(normalizeKey(item.key)) }
        }
        var rest = snapshot.items[...]
        while !rest.isEmpty {
            try Self.checkCancellation(written: snapshot.items.count - rest.count)
            try await target.write(rest.prefix(Self.itemsPerPage))
            rest = rest.dropFirst(Self.itemsPerPage)
        }
    }

    /// Copies the items below a base to another storage, with their lifetimes and metadata, and returns how many.
    ///
    /// Keys there are relative to the base. Holds one page of items in memory. Items of the same keys are replaced, all
    /// others stay. A task that is cancelled ends it within a page.
    /// - Throws: ``StorageError/Code/invalidOption`` if what is written would be read again, as the target lies in the base
    ///   itself or its driver in one that is read; ``StorageError/Code/partlyDone`` if the task is cancelled, or the listing
    ///   does not get on, after some items were copied.
    @discardableResult
    public func copy(_ base: String = "", to target: Storage) async throws(StorageError) -> Int {
        let source = try self.branch(base)
        try source.requireApart(from: target)
        var pages = try source.itemPages(below: "")
        var copied = 0
        while true {
            let items: [Snapshot.Item]
            do {
                guard let next = try await source.nextItems(&pages) else { return copied }
                items = next
            } catch {
                throw error.afterPart("\(copied) items were copied", isDone: copied > 0)
            }
            try await target.write(items[...])
            copied += items.count
        }
    }

    private static let itemsPerPage = 500

    /// Returns the view of a base, which has to be one.
    private func branch(_ base: String) throws(StorageError) -> Storage {
        _ = try self.fullBase(base)
        try self.core.checkOpen()
        return self.prefixed(base)
    }

    /// Where a reading of all items stands.
    private struct ItemPages {
        let handle: Storage
        var keys: KeyPages
    }

    private func itemPages(below base: String) throws(StorageError) -> ItemPages {
        let handle = try self.branch(base)
        let keys = try KeyPages(handle, base: "", maxDepth: nil, pageSize: Self.itemsPerPage)
        return ItemPages(handle: handle, keys: keys)
    }

    /// Returns the items of the next page, `nil` at the end.
    private func nextItems(_ pages: inout ItemPages) async throws(StorageError) -> [Snapshot.Item]? {
        guard let page = try await pages.keys.next() else { return nil }
        if page.keys.isEmpty { return [] }
        var items: [Snapshot.Item] = []
        do {
            let driver = page.mount.driver
            let values = try await driver.getItems(page.keys)
            for (key, value) in zip(page.keys, values) {
                // Gone since it was listed, or since it was read.
                guard let value, let meta = try await driver.getMeta(key) else { continue }
                if let ttl = meta.ttl, ttl <= .zero { continue }
                items.append(.init(key: page.name(of: key), value: value, ttl: meta.ttl, meta: meta.fieldBytes))
            }
        } catch { throw pages.handle.located(error, page.mount) }
        return items
    }

    private func write(_ items: ArraySlice<Snapshot.Item>) async throws(StorageError) {
        for item in items { try await self.write(item) }
    }

    private func write(_ item: Snapshot.Item) async throws(StorageError) {
        var route = try self.route(item.key)
        while true {
            let ticket = route.mount.beginWrite(route.key)
            do {
                let driver = route.mount.driver
                // Not the mount's default: an item that lived forever goes on doing so.
                try await driver.setItem(route.key, item.value, WriteOptions(ttl: item.ttl))
                if item.meta != nil || driver.capabilities.customMetadata {
                    _ = try await driver.setMeta(route.key, item.meta)
                }
                route.mount.endWrite(ticket, .update(route.key))
                return
            } catch {
                // The value may be written and its metadata not.
                route.mount.endWrite(ticket, .lagged)
                try self.reroute(&route, after: error)
            }
        }
    }

    private static func checkCancellation(written: Int) throws(StorageError) {
        guard Task.isCancelled, written > 0 else { return }
        let error = StorageError(.cancelled, "the task was cancelled")
        throw error.afterPart("\(written) items were written", isDone: true)
    }
}
