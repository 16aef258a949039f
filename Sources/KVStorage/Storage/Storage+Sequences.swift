extension Storage {
    /// Returns the keys below a base as a sequence that holds one page of them in memory.
    ///
    /// Each key that is there for as long as the listing lasts comes exactly once; one that comes or goes meanwhile comes at
    /// most once. `pageSize` below 1 counts as 1. Nothing is read, and no argument looked at, before the first key is asked for;
    /// each iteration begins anew.
    ///
    /// The iteration throws ``StorageError/Code/cancelled`` between two pages if the task is cancelled; else as
    /// ``getKeys(_:maxDepth:)``.
    public func keys(
        in base: String = "",
        maxDepth: Int? = nil,
        pageSize: Int = 1000
    ) -> some AsyncSequence<String, StorageError> & Sendable {
        PagedSequence { () throws(StorageError) in
            try KeyPages(self, base: base, maxDepth: maxDepth, pageSize: pageSize)
        } read: { page in
            page.keys.map { page.name(of: $0) }
        } element: { key in
            key
        }
    }

    /// Returns the items below a base as a sequence that holds one page of them in memory.
    ///
    /// An item that goes between the listing of its page and the reading of it is left out. For the rest it is as
    /// ``keys(in:maxDepth:pageSize:)``, and each page costs one more call of the driver.
    ///
    /// The iteration throws as that of the keys, and ``StorageError/Code/decoding`` for an item of another type: whoever asks its
    /// iterator again goes on behind that item.
    public func items<Value: Decodable & Sendable>(
        in base: String = "",
        as type: Value.Type = Value.self,
        pageSize: Int = 1000
    ) -> some AsyncSequence<(key: String, value: Value), StorageError> & Sendable {
        PagedSequence { () throws(StorageError) in
            try KeyPages(self, base: base, maxDepth: nil, pageSize: pageSize)
        } read: { page throws(StorageError) in
            try await self.rows(of: page, page.mount.driver.getItems) { name, bytes in (name, bytes) }
        } element: { (name: String, bytes: [UInt8]) throws(StorageError) in
            (key: name, value: try self.values.decode(Value.self, from: bytes, key: name))
        }
    }

    /// Returns the items below a base with their metadata, as a sequence that holds one page of them in memory.
    ///
    /// Value and metadata of each are of one and the same write. Values are decoded when they are asked for. For the rest it
    /// is as ``items(in:as:pageSize:)``.
    public func entries<Value: Decodable & Sendable>(
        in base: String = "",
        as type: Value.Type = Value.self,
        pageSize: Int = 500
    ) -> some AsyncSequence<ListedEntry<Value>, StorageError> & Sendable {
        PagedSequence { () throws(StorageError) in
            try KeyPages(self, base: base, maxDepth: nil, pageSize: pageSize)
        } read: { page throws(StorageError) in
            try await self.rows(of: page, page.mount.driver.getEntries) { name, entry in
                var entry = entry
                entry.meta.codec = self.values.codec
                return ListedEntry<Value>(key: name, entry: entry, values: self.values)
            }
        } element: { entry in
            entry
        }
    }

    /// Reads what the keys of a page stand for, without what has gone since they were listed.
    private func rows<Answer, Row>(
        of page: KeyPages.Page,
        _ read: ([String]) async throws(StorageError) -> [Answer?],
        _ row: (_ name: String, Answer) -> Row
    ) async throws(StorageError) -> [Row] {
        let answers: [Answer?]
        do { answers = try await read(page.keys) } catch { throw self.located(error, page.mount) }
        return zip(page.keys, answers).compactMap { key, answer in answer.map { row(page.name(of: key), $0) } }
    }
}
