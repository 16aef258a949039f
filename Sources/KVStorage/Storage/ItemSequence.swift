/// The items below a base, read a page at a time; see ``Storage/items(in:as:pageSize:)``.
public struct ItemSequence<Value: Decodable & Sendable>: AsyncSequence, Sendable {
    let storage: Storage
    let base: String
    let pageSize: Int

    /// A key and its value.
    public typealias Element = (key: String, value: Value)

    /// Returns an iterator that begins with the first page.
    public func makeAsyncIterator() -> Iterator {
        Iterator(sequence: self)
    }

    /// Reads the next page when the one before is used up.
    public struct Iterator: AsyncIteratorProtocol {
        private let sequence: ItemSequence
        private var pages: KeyPages?
        private var items: [(key: String, bytes: [UInt8])] = []
        private var position = 0

        init(sequence: ItemSequence) {
            self.sequence = sequence
        }

        /// Returns the next item, or `nil` at the end.
        ///
        /// - Throws: ``StorageError/Code/decoding`` if the item is not of the type; the next call goes on behind it. Else as
        ///   ``KeySequence/Iterator/next()``.
        public mutating func next() async throws(StorageError) -> Element? {
            while self.position == self.items.count {
                guard let items = try await self.nextPage() else { return nil }
                self.items = items
                self.position = 0
            }
            let (key, bytes) = self.items[self.position]
            self.position += 1
            return (key, try self.sequence.storage.values.decode(Value.self, from: bytes, key: key))
        }

        /// Returns the next item, or `nil` at the end.
        public mutating func next(isolation actor: isolated (any Actor)?) async throws(StorageError) -> Element? {
            try await self.next()
        }

        private mutating func nextPage() async throws(StorageError) -> [(key: String, bytes: [UInt8])]? {
            let storage = self.sequence.storage
            var pages: KeyPages
            if let begun = self.pages {
                pages = begun
            } else {
                pages = try KeyPages(
                    storage, base: self.sequence.base, maxDepth: nil, pageSize: self.sequence.pageSize)
            }
            guard let page = try await pages.next() else { return nil }
            if page.keys.isEmpty {
                self.pages = pages
                return []
            }
            let values: [[UInt8]?]
            do {
                values = try await page.mount.driver.getItems(page.keys)
            } catch { throw storage.located(error, page.mount) }
            // Not before: who goes on after an error reads the same page again.
            self.pages = pages
            // Some may have gone since they were listed.
            return zip(page.keys, values).compactMap { key, bytes in bytes.map { (page.name(of: key), $0) } }
        }
    }
}
