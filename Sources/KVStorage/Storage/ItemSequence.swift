/// The items below a base, read a page at a time; see ``Storage/items(in:as:pageSize:)``.
public struct ItemSequence<Value: Decodable & Sendable>: AsyncSequence, Sendable {
    let storage: Storage
    let base: String
    let pageSize: Int

    /// A key and its value.
    public typealias Element = (key: String, value: Value)

    /// Returns an iterator that begins with the first page.
    public func makeAsyncIterator() -> Iterator {
        let pages = KeyPages(self.storage, base: self.base, maxDepth: nil, pageSize: self.pageSize)
        return Iterator(storage: self.storage, pages: pages)
    }

    /// Reads the next page when the one before is used up.
    public struct Iterator: AsyncIteratorProtocol {
        let storage: Storage
        var pages: KeyPages
        private var items: [Element] = []
        private var position = 0

        init(storage: Storage, pages: KeyPages) {
            self.storage = storage
            self.pages = pages
        }

        /// Returns the next item, or `nil` at the end.
        ///
        /// - Throws: ``StorageError/Code/decoding`` if an item is not of the type.
        public mutating func next() async throws(StorageError) -> Element? {
            while self.position == self.items.count {
                guard let page = try await self.pages.next() else { return nil }
                self.items = try await self.read(page)
                self.position = 0
            }
            defer { self.position += 1 }
            return self.items[self.position]
        }

        /// Returns the next item, or `nil` at the end.
        public mutating func next(isolation actor: isolated (any Actor)?) async throws(StorageError) -> Element? {
            try await self.next()
        }

        private func read(_ page: KeyPages.Page) async throws(StorageError) -> [Element] {
            let values: [[UInt8]?]
            do {
                values = try await page.mount.driver.getItems(page.keys)
            } catch { throw self.storage.located(error, page.mount) }
            var items: [Element] = []
            for (key, bytes) in zip(page.keys, values) {
                guard let bytes else { continue }
                let name = page.name(of: key)
                items.append((name, try self.storage.values.decode(Value.self, from: bytes, key: name)))
            }
            return items
        }
    }
}
