/// The keys below a base, read a page at a time; see ``Storage/keys(in:maxDepth:pageSize:)``.
public struct KeySequence: AsyncSequence, Sendable {
    let storage: Storage
    let base: String
    let maxDepth: Int?
    let pageSize: Int

    /// Returns an iterator that begins with the first page.
    public func makeAsyncIterator() -> Iterator {
        Iterator(pages: KeyPages(self.storage, base: self.base, maxDepth: self.maxDepth, pageSize: self.pageSize))
    }

    /// Reads the next page when the one before is used up.
    public struct Iterator: AsyncIteratorProtocol {
        var pages: KeyPages
        private var names: [String] = []
        private var position = 0

        init(pages: KeyPages) {
            self.pages = pages
        }

        /// Returns the next key, or `nil` at the end.
        public mutating func next() async throws(StorageError) -> String? {
            while self.position == self.names.count {
                guard let page = try await self.pages.next() else { return nil }
                self.names = page.keys.map { page.name(of: $0) }
                self.position = 0
            }
            defer { self.position += 1 }
            return self.names[self.position]
        }

        /// Returns the next key, or `nil` at the end.
        public mutating func next(isolation actor: isolated (any Actor)?) async throws(StorageError) -> String? {
            try await self.next()
        }
    }
}
