/// The keys below a base, read a page at a time; see ``Storage/keys(in:maxDepth:pageSize:)``.
public struct KeySequence: AsyncSequence, Sendable {
    let storage: Storage
    let base: String
    let maxDepth: Int?
    let pageSize: Int

    /// Returns an iterator that begins with the first page.
    public func makeAsyncIterator() -> Iterator {
        Iterator(sequence: self)
    }

    /// Reads the next page when the one before is used up.
    public struct Iterator: AsyncIteratorProtocol {
        private let sequence: KeySequence
        private var pages: KeyPages?
        private var names: [String] = []
        private var position = 0

        init(sequence: KeySequence) {
            self.sequence = sequence
        }

        /// Returns the next key, or `nil` at the end.
        ///
        /// - Throws: ``StorageError/Code/cancelled`` between two pages if the task is cancelled; else as
        ///   ``Storage/getKeys(_:maxDepth:)``.
        public mutating func next() async throws(StorageError) -> String? {
            while self.position == self.names.count {
                guard let page = try await self.nextPage() else { return nil }
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

        private mutating func nextPage() async throws(StorageError) -> KeyPages.Page? {
            var pages: KeyPages
            if let begun = self.pages {
                pages = begun
            } else {
                pages = try KeyPages(
                    self.sequence.storage,
                    base: self.sequence.base,
                    maxDepth: self.sequence.maxDepth,
                    pageSize: self.sequence.pageSize
                )
            }
            let page = try await pages.next()
            self.pages = pages
            return page
        }
    }
}
