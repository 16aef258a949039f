/// Lists keys page by page, one mount after the other, without those that a mount hides.
struct KeyPages {
    struct Page {
        let mount: MountPoint
        /// The keys as the driver knows them.
        let keys: [String]
        /// How much of a full key the handle leaves out.
        let handleBaseCount: Int

        /// Returns the handle's name of a key of this page.
        func name(of key: String) -> String {
            if self.mount.baseCount == self.handleBaseCount { return key }
            return keyDroppingPrefix(self.mount.base + key, self.handleBaseCount)
        }
    }

    private let storage: Storage
    private let table: MountTable
    private var pending: [(mount: MountPoint, query: KeyQuery)] = []

    init(_ storage: Storage, base: String, maxDepth: Int?, pageSize: Int) {
        self.storage = storage
        self.table = storage.core.table
        let base = storage.fullBase(base)
        // Depths count from the handle's root; drivers count from theirs.
        let depth = maxDepth.map { $0.addingReportingOverflow(keyDepth(storage.base)) }
            .map { $0.overflow ? Int.max : $0.partialValue }
        for mount in self.table.mounts.reversed() {
            guard keyHasPrefix(mount.base, base) || self.table.mount(for: base) === mount else { continue }
            let mountDepth = depth.map { $0 - keyDepth(mount.base) }
            if let mountDepth, mountDepth < 0 { continue }
            let query = KeyQuery(
                base: keyDroppingPrefix(base, min(mount.baseCount, base.utf8.count)),
                maxDepth: mountDepth,
                limit: max(1, pageSize)
            )
            self.pending.append((mount, query))
        }
    }

    /// Returns the next page, which may be empty, or `nil` at the end.
    mutating func next() async throws(StorageError) -> Page? {
        guard let (mount, query) = self.pending.last else { return nil }
        let page: KeyPage
        do { page = try await mount.driver.getKeys(query) } catch { throw self.storage.located(error, mount) }
        if let cursor = page.cursor {
            self.pending[self.pending.count - 1].query.cursor = cursor
        } else {
            self.pending.removeLast()
        }
        let keys = page.keys.filter { key in
            query.matches(key) && key.utf8.last != UInt8(ascii: "$")
                && !self.table.isMasked(mount.base + key, in: mount)
        }
        return Page(mount: mount, keys: keys, handleBaseCount: self.storage.base.utf8.count)
    }
}
