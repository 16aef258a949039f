/// What lies below a base, read a page at a time: what ``Storage`` hands out of keys, items and entries.
struct PagedSequence<Row: Sendable, Element>: AsyncSequence, Sendable {
    /// Begins the listing.
    let begin: @Sendable () throws(StorageError) -> KeyPages
    /// Reads what the keys of a page stand for.
    let read: @Sendable (KeyPages.Page) async throws(StorageError) -> [Row]
    /// Makes an element of a row when it is asked for; one that can't be made leaves those behind it as they are.
    let element: @Sendable (Row) throws(StorageError) -> Element

    func makeAsyncIterator() -> Iterator { Iterator(sequence: self) }

    /// Reads the next page when the one before is used up.
    struct Iterator: AsyncIteratorProtocol {
        private let sequence: PagedSequence
        private var pages: KeyPages?
        private var rows: [Row] = []
        private var position = 0

        init(sequence: PagedSequence) {
            self.sequence = sequence
        }

        mutating func next() async throws(StorageError) -> Element? {
            while self.position == self.rows.count {
                guard let rows = try await self.nextPage() else { return nil }
                self.rows = rows
                self.position = 0
            }
            let row = self.rows[self.position]
            self.position += 1
            return try self.sequence.element(row)
        }

        mutating func next(isolation actor: isolated (any Actor)?) async throws(StorageError) -> Element? {
            try await self.next()
        }

        private mutating func nextPage() async throws(StorageError) -> [Row]? {
            var pages: KeyPages
            if let begun = self.pages { pages = begun } else { pages = try self.sequence.begin() }
            guard let page = try await pages.next() else { return nil }
            let rows = page.keys.isEmpty ? [] : try await self.sequence.read(page)
            // Not before: who goes on after an error reads the same page again.
            self.pages = pages
            return rows
        }
    }
}
