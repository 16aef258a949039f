/// Reads all items below a base, a page at a time: one read and, where they go elsewhere, one write each.
struct StorePage {
    /// How many items a page has at most.
    static let itemCount = 500
    /// How many bytes of values a page has at most, unless one item is larger by itself.
    static let byteCount = 8 << 20

    private let handle: Storage
    private var pages: KeyPages
    // Keys that were listed and not read yet, with how their page names them.
    private var listed: KeyPages.Page?
    private var unread: ArraySlice<String> = []
    // As many as are likely to be a page's worth of bytes, by what the values had until now.
    private var readCount = StorePage.itemCount

    init(_ handle: Storage, after cursor: String? = nil) throws(StorageError) {
        self.handle = handle
        self.pages = try KeyPages(
            handle, base: "", maxDepth: nil, pageSize: Self.itemCount, after: cursor)
    }

    /// What a listing that goes on behind the last page starts from; `nil` in the middle of a page of keys, and at the end.
    var cursor: String? { self.unread.isEmpty ? self.pages.cursor : nil }

    /// Returns the items of the next page, which may have none, or `nil` at the end.
    mutating func next() async throws(StorageError) -> [Snapshot.Item]? {
        if self.unread.isEmpty {
            guard let page = try await self.pages.next() else { return nil }
            self.listed = page
            self.unread = page.keys[...]
        }
        guard let page = self.listed, !self.unread.isEmpty else { return [] }
        let keys = Array(self.unread.prefix(self.readCount))
        let entries: [Entry?]
        do { entries = try await page.mount.driver.getEntries(keys) } catch {
            throw self.handle.located(error, page.mount)
        }
        self.unread = self.unread.dropFirst(keys.count)
        let items = zip(keys, entries).compactMap { key, entry in
            // Some may have gone since they were listed.
            entry.map { entry in
                Snapshot.Item(
                    key: page.name(of: key), value: entry.value, deadline: entry.meta.deadline,
                    fields: entry.meta.fieldBytes)
            }
        }
        let bytes = items.reduce(1) { $0 + $1.value.count }
        self.readCount = min(Self.itemCount, max(1, Self.byteCount / max(1, bytes / max(1, items.count))))
        return items
    }
}

extension Storage {
    /// Writes a page of items with their deadlines and metadata, in one step for each mount that can.
    func write(_ items: [Snapshot.Item]) async throws(StorageError) {
        var rest = items[...]
        while !rest.isEmpty {
            var count = 0
            var bytes = 0
            for item in rest.prefix(StorePage.itemCount) {
                bytes += item.value.count
                if count > 0, bytes > StorePage.byteCount { break }
                count += 1
            }
            let part = Array(rest.prefix(count))
            rest = rest.dropFirst(count)
            _ = try await self.apply(to: part.map(\.key)) { position, key, mount in
                let item = part[position]
                let keepsFields = item.fields == nil && !mount.driver.capabilities.contains(.customMetadata)
                return .set(
                    key: key,
                    value: item.value,
                    // Not the mount's default: an item that lived forever goes on doing so.
                    options: WriteOptions(ttl: item.deadline.map(TTL.until) ?? .forever),
                    fields: keepsFields ? .keep : .replace(item.fields)
                )
            }
        }
    }
}
