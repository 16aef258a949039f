extension Storage {
    /// Returns the keys below a base: whole segments, each once, in no particular order.
    ///
    /// `base` names a branch, not an item: the item of that very name is not below it. `maxDepth` is the largest number of
    /// colons in a key, counted from this handle's root. Keys that a mount hides are left out.
    ///
    /// Holds all keys in memory at once; ``keys(in:maxDepth:pageSize:)`` holds a page. Costs what is listed, and nothing for
    /// mounts elsewhere. A task that is cancelled ends it at the next page.
    /// - Throws: ``StorageError/Code/cancelled``; ``StorageError/Code/corrupted`` if the driver's listing does not get on;
    ///   ``StorageError/Code/invalidKey`` if the base holds NUL or is not empty but has nothing left when it is normal.
    public func getKeys(_ base: String = "", maxDepth: Int? = nil) async throws(StorageError) -> [String] {
        var pages = try KeyPages(self, base: base, maxDepth: maxDepth, pageSize: 1000)
        var keys: [String] = []
        while let page = try await pages.next() {
            keys += page.keys.map { page.name(of: $0) }
        }
        return keys
    }

    /// Returns one page of the keys below a base, and a cursor for the next one that can be given to a client.
    ///
    /// Over drivers with ordered keys (``Capabilities/Feature/orderedKeys``) a page has exactly `limit` keys but the last one,
    /// which may be empty, and the cursor stands for the last key: it stays good however long it is kept. Over others a page
    /// may have more or fewer; a key that is there all the time is never missed but may come twice, and the cursor is good
    /// for as long as the driver says. A cursor is looked at like any other argument, so a client may send what it likes: it
    /// never leads out of the base.
    /// - Throws: ``StorageError/Code/invalidOption`` if `limit` is below 1 or the cursor is none of this listing; else as
    ///   ``getKeys(_:maxDepth:)``.
    public func getPage(
        of base: String = "",
        after cursor: String? = nil,
        limit: Int = 100,
        maxDepth: Int? = nil
    ) async throws(StorageError) -> StoragePage {
        guard limit > 0 else { throw StorageError(.invalidOption, "a page has to have at least one key") }
        var pages = try KeyPages(self, base: base, maxDepth: maxDepth, pageSize: limit, after: cursor)
        var keys: [String] = []
        while keys.count < limit {
            pages.limit(to: limit - keys.count)
            guard let page = try await pages.next() else { return StoragePage(keys: keys, cursor: nil) }
            keys += page.keys.map { page.name(of: $0) }
        }
        return StoragePage(keys: keys, cursor: pages.cursor)
    }

    /// Removes what ``getKeys(_:maxDepth:)`` lists below a base, with its metadata, and returns how many items that were.
    ///
    /// Nothing else goes: not the item at the base itself, not what a mount hides, not what the driver did not write. If a
    /// mount that it reaches is read-only, it throws ``StorageError/Code/readOnly`` and removes nothing. If the task is
    /// cancelled, or a listing does not get on, after some were removed, it throws ``StorageError/Code/partlyDone``.
    @discardableResult
    public func clear(_ base: String = "") async throws(StorageError) -> Int {
        let base = try self.fullBase(base)
        try self.core.checkOpen()
        let table = self.core.table
        let mounts = try MountTable.longestFirst(table.mounts(concerning: base)).map { mount throws(StorageError) in
            (view: try self.limited(mount), hasHidden: table.hasMounts(inside: mount, below: base))
        }
        if let mount = mounts.first(where: { $0.view.driver.capabilities.contains(.readOnly) })?.view {
            let name = mount.base.isEmpty ? "the root mount" : "the mount \"\(mount.base)\""
            throw StorageError(.readOnly, "\(name) is read-only, so nothing was removed; clear what lies beside it")
        }
        var removed = 0
        for (mount, hasHidden) in mounts {
            if removed > 0, Task.isCancelled {
                throw ListingProgress.cancelled.afterPart(Self.part(removed), isDone: true)
            }
            if !hasHidden, mount.writes == nil {
                do { removed += try await mount.driver.clear(mount.relative(base)) } catch {
                    throw self.located(error, mount)
                }
                continue
            }
            try await self.clearListed(mount.relative(base), mount, table, &removed)
        }
        return removed
    }

    private func clearListed(
        _ base: String,
        _ mount: MountPoint,
        _ table: MountTable,
        _ removed: inout Int
    ) async throws(StorageError) {
        var query = KeyQuery(base: base)
        var progress = ListingProgress()
        while true {
            let page: KeyPage
            do {
                page = try await mount.driver.getKeys(query)
                let keys = page.keys.filter {
                    query.matches($0) && !table.isMasked(mount.base + $0, inMount: mount.id)
                }
                removed += try await mount.apply(keys.map(Mutation.remove(key:))).count(where: \.self)
            } catch { throw self.located(error, mount) }
            do {
                guard try progress.advance(&query, past: page, mount.driver.name) else { return }
            } catch {
                throw error.afterPart(Self.part(removed), isDone: removed > 0)
            }
        }
    }

    private static func part(_ removed: Int) -> String { "\(removed) items were removed" }

    /// Returns the error with a relative key replaced by this handle's name for it.
    func located(_ error: StorageError, _ mount: MountPoint) -> StorageError {
        error.naming(error.key.map { keyDroppingPrefix(mount.base + $0, self.base.utf8.count) })
    }
}
