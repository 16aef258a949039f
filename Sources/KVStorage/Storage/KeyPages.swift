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

    /// - Throws: ``StorageError/Code/invalidKey`` if the base can't be one, ``StorageError/Code/closed``,
    ///   ``StorageError/Code/invalidOption`` if `cursor` is none of this listing.
    init(
        _ storage: Storage,
        base: String,
        maxDepth: Int?,
        pageSize: Int,
        after cursor: String? = nil
    ) throws(StorageError) {
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
        if let cursor { try self.skip(to: try PageCursor(cursor)) }
    }

    /// Drops what comes before the cursor.
    private mutating func skip(to cursor: PageCursor) throws(StorageError) {
        guard let index = self.parts.lastIndex(where: { keysEqual(self.name(of: $0.mount), cursor.mountBase) }) else {
            throw PageCursor.invalid
        }
        self.parts.removeSubrange((index + 1)...)
        guard let inner = cursor.cursor else { return }
        let isOrdered = self.parts[index].mount.driver.capabilities.contains(.orderedKeys)
        // One in front of the base would have an ordered driver walk what lies there.
        guard !isOrdered || !keyPrecedes(inner, self.parts[index].query.base) else { throw PageCursor.invalid }
        self.parts[index].query.cursor = inner
    }

    /// A mount's base without what the handle leaves out.
    private func name(of mount: MountPoint) -> String {
        keyDroppingPrefix(mount.base, min(mount.baseCount, self.storage.base.utf8.count))
    }

    /// What goes on behind the last page that was handed out; `nil` at the end, and before the first.
    var cursor: String? {
        guard let page = self.page, let part = self.parts.last else { return nil }
        if let cursor = page.cursor { return PageCursor(mountBase: self.name(of: part.mount), cursor: cursor).text }
        guard let next = self.parts.dropLast().last else { return nil }
        return PageCursor(mountBase: self.name(of: next.mount), cursor: nil).text
    }

    /// Asks for that many keys from now on.
    mutating func limit(to count: Int) {
        for index in self.parts.indices { self.parts[index].query.limit = max(1, count) }
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
