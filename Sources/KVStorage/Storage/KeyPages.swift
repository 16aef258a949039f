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

    /// What is to be listed of one mount.
    private struct Part {
        let mount: MountPoint
        var query: KeyQuery
        /// Whether another mount may hide some of it.
        let hasHidden: Bool
    }

    private let storage: Storage
    private let table: MountTable
    /// What is still to be listed, the first mount last.
    private var parts: [Part] = []
    private var progress = ListingProgress()
    private var page: KeyPage?

    /// - Throws: ``StorageError/Code/invalidKey`` if the base can't be one, ``StorageError/Code/closed``.
    init(_ storage: Storage, base: String, maxDepth: Int?, pageSize: Int) throws(StorageError) {
        let base = try storage.fullBase(base)
        try storage.core.checkOpen()
        self.storage = storage
        let table = storage.core.table
        self.table = table
        // Depths count from the handle's root; drivers count from theirs.
        let depth = maxDepth.map { $0.addingReportingOverflow(keyDepth(storage.base)) }
            .map { $0.overflow ? Int.max : $0.partialValue }
        for mount in MountTable.longestFirst(table.mounts(concerning: base)).reversed() {
            let mountDepth = depth.map { $0 - keyDepth(mount.base) }
            if let mountDepth, mountDepth < 0 { continue }
            let query = KeyQuery(base: mount.relative(base), maxDepth: mountDepth, limit: max(1, pageSize))
            self.parts.append(
                Part(
                    mount: try storage.limited(mount), query: query,
                    hasHidden: table.hasMounts(inside: mount, below: base)))
        }
    }

    /// Returns the next page, which may be empty, or `nil` at the end.
    ///
    /// - Throws: ``StorageError/Code/cancelled`` between two pages if the task is cancelled, ``StorageError/Code/corrupted`` if
    ///   a driver does not get on; else what the driver throws.
    mutating func next() async throws(StorageError) -> Page? {
        if let page = self.page { try self.pass(page) }
        guard let part = self.parts.last else { return nil }
        let page: KeyPage
        do { page = try await part.mount.driver.getKeys(part.query) } catch {
            throw self.storage.located(error, part.mount)
        }
        self.page = page
        let keys = page.keys.filter { key in
            part.query.matches(key) && key.utf8.last != UInt8(ascii: "$")
                && !(part.hasHidden && self.table.isMasked(part.mount.base + key, inMount: part.mount.id))
        }
        return Page(mount: part.mount, keys: keys, handleBaseCount: self.storage.base.utf8.count)
    }

    /// Goes on behind a page that was read.
    private mutating func pass(_ page: KeyPage) throws(StorageError) {
        let last = self.parts.count - 1
        let driver = self.parts[last].mount.driver
        if try self.progress.advance(&self.parts[last].query, past: page, driver.name) {
            self.page = nil
            return
        }
        self.page = nil
        self.parts.removeLast()
        self.progress = ListingProgress()
        guard self.parts.isEmpty || !Task.isCancelled else { throw ListingProgress.cancelled }
    }
}
