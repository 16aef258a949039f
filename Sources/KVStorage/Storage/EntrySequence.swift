/// The items below a base with their metadata, read a page at a time; see ``Storage/entries(in:as:pageSize:)``.
public struct EntrySequence<Value: Decodable & Sendable>: AsyncSequence, Sendable {
    let storage: Storage
    let base: String
    let pageSize: Int

    /// An item whose value is decoded when it is asked for.
    public struct Element: Sendable {
        /// The key, as the handle that was asked names it.
        public let key: String
        /// What is known about the item beside its value.
        public let meta: ItemMeta
        /// The bytes as they are stored.
        public let bytes: [UInt8]
        private let values: ValueCoding

        fileprivate init(key: String, entry: Entry, values: ValueCoding) {
            self.key = key
            self.meta = entry.meta
            self.bytes = entry.value
            self.values = values
        }

        /// Returns the value.
        ///
        /// - Throws: ``StorageError/Code/decoding`` if the bytes are not of that type.
        public func value() throws(StorageError) -> Value {
            try self.values.decode(Value.self, from: self.bytes, key: self.key)
        }

        /// What tells this value from another; computed when it is asked for.
        public var etag: ETag { ETag(of: self.bytes) }
    }

    /// Returns an iterator that begins with the first page.
    public func makeAsyncIterator() -> Iterator { Iterator(sequence: self) }

    /// Reads the next page when the one before is used up.
    public struct Iterator: AsyncIteratorProtocol {
        private let sequence: EntrySequence
        private var pages: KeyPages?
        private var elements: [Element] = []
        private var position = 0

        init(sequence: EntrySequence) {
            self.sequence = sequence
        }

        /// Returns the next item, or `nil` at the end.
        ///
        /// - Throws: As ``KeySequence/Iterator/next()``.
        public mutating func next() async throws(StorageError) -> Element? {
            while self.position == self.elements.count {
                guard let elements = try await self.nextPage() else { return nil }
                self.elements = elements
                self.position = 0
            }
            defer { self.position += 1 }
            return self.elements[self.position]
        }

        /// Returns the next item, or `nil` at the end.
        public mutating func next(isolation actor: isolated (any Actor)?) async throws(StorageError) -> Element? {
            try await self.next()
        }

        private mutating func nextPage() async throws(StorageError) -> [Element]? {
            let storage = self.sequence.storage
            var pages: KeyPages
            if let begun = self.pages {
                pages = begun
            } else {
                pages = try KeyPages(
                    storage, base: self.sequence.base, maxDepth: nil, pageSize: self.sequence.pageSize)
            }
            guard let page = try await pages.next() else { return nil }
            let entries: [Entry?]
            do { entries = page.keys.isEmpty ? [] : try await page.mount.driver.getEntries(page.keys) } catch {
                throw storage.located(error, page.mount)
            }
            // Not before: who goes on after an error reads the same page again.
            self.pages = pages
            return zip(page.keys, entries).compactMap { key, entry in
                // Some may have gone since they were listed.
                guard var entry else { return nil }
                entry.meta.codec = storage.values.codec
                return Element(key: page.name(of: key), entry: entry, values: storage.values)
            }
        }
    }
}
