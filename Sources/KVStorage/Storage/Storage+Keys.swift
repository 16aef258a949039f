extension Storage {
    /// Returns the keys below a base: whole segments, each once, in no particular order.
    ///
    /// `base` names a branch, not an item: the item of that very name is not below it. `maxDepth` is the largest number of
    /// colons in a key, counted from this handle's root. Keys that a mount hides are left out.
    ///
    /// Holds all keys in memory at once; ``keys(in:maxDepth:pageSize:)`` holds a page.
    public func getKeys(_ base: String = "", maxDepth: Int? = nil) async throws(StorageError) -> [String] {
        var pages = KeyPages(self, base: base, maxDepth: maxDepth, pageSize: 1000)
        var keys: [String] = []
        while let page = try await pages.next() {
            keys += page.keys.map { page.name(of: $0) }
        }
        return keys
    }

    /// Returns the keys below a base as a sequence that holds one page of them in memory.
    ///
    /// Each key that is there for as long as the listing lasts comes exactly once; one that comes or goes meanwhile comes at
    /// most once. `pageSize` below 1 counts as 1.
    public func keys(in base: String = "", maxDepth: Int? = nil, pageSize: Int = 1000) -> KeySequence {
        KeySequence(storage: self, base: base, maxDepth: maxDepth, pageSize: pageSize)
    }

    /// Returns the items below a base as a sequence that holds one page of them in memory.
    ///
    /// An item that goes between the listing of its page and the reading of it is left out.
    public func items<Value: Decodable & Sendable>(
        in base: String = "",
        as type: Value.Type = Value.self,
        pageSize: Int = 1000
    ) -> ItemSequence<Value> {
        ItemSequence(storage: self, base: base, pageSize: pageSize)
    }

    /// Removes what ``getKeys(_:maxDepth:)`` lists below a base, with its metadata, and returns how many items that were.
    ///
    /// Nothing else goes: not the item at the base itself, not what a mount hides, not what the driver did not write. If a
    /// mount that it reaches is read-only, it throws ``StorageError/Code/readOnly`` and removes nothing.
    @discardableResult
    public func clear(_ base: String = "") async throws(StorageError) -> Int {
        let base = self.fullBase(base)
        let table = self.core.table
        var removed = 0
        let owner = table.mount(for: base)
        let mounts = table.mounts.filter { $0 === owner || keyHasPrefix($0.base, base) }
        if let mount = mounts.first(where: { $0.driver.capabilities.readOnly }) {
            let name = mount.base.isEmpty ? "the root mount" : "the mount \"\(mount.base)\""
            throw StorageError(.readOnly, "\(name) is read-only, so nothing was removed; clear what lies beside it")
        }
        for mount in mounts {
            let relative = keyDroppingPrefix(base, min(mount.baseCount, base.utf8.count))
            let hidesKeys = table.mounts.contains { other in
                other !== mount && keyHasPrefix(other.base, mount.base) && keyHasPrefix(other.base, base)
            }
            if !hidesKeys, !mount.synthesizesEvents {
                do { removed += try await mount.driver.clear(relative) } catch { throw self.located(error, mount) }
                continue
            }
            removed += try await self.clearListed(relative, mount, table)
        }
        return removed
    }

    private func clearListed(
        _ base: String,
        _ mount: MountPoint,
        _ table: MountTable
    ) async throws(StorageError) -> Int {
        var query = KeyQuery(base: base)
        var removed = 0
        do {
            repeat {
                let page = try await mount.driver.getKeys(query)
                let keys = page.keys.filter { query.matches($0) && !table.isMasked(mount.base + $0, in: mount) }
                removed += try await mount.driver.apply(keys.map(Mutation.remove(key:)))
                for key in keys { mount.emit(.remove(key)) }
                query.cursor = page.cursor
            } while query.cursor != nil
        } catch { throw self.located(error, mount) }
        return removed
    }

    /// Returns the error with a relative key replaced by this handle's name for it.
    func located(_ error: StorageError, _ mount: MountPoint) -> StorageError {
        error.naming(error.key.map { keyDroppingPrefix(mount.base + $0, self.base.utf8.count) })
    }
}
