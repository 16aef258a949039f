/// The file of a snapshot, a block at a time; see ``Storage/streamSnapshot(_:)``.
public struct SnapshotSequence: AsyncSequence, Sendable {
    let storage: Storage
    let base: String

    /// Some bytes of the file.
    public typealias Element = [UInt8]

    /// Returns an iterator that begins with the first item.
    public func makeAsyncIterator() -> Iterator { Iterator(sequence: self) }

    /// Reads the next page when it is asked for.
    public struct Iterator: AsyncIteratorProtocol {
        private let sequence: SnapshotSequence
        private var writer = SnapshotWriter()
        private var pages: StorePage?
        private var isAtEnd = false

        init(sequence: SnapshotSequence) {
            self.sequence = sequence
        }

        /// Returns the next bytes, or `nil` at the end.
        ///
        /// - Throws: As ``Storage/snapshot(_:)``; what was handed out until then is no whole snapshot.
        public mutating func next() async throws(StorageError) -> [UInt8]? {
            if self.isAtEnd { return nil }
            guard var pages = self.pages else {
                self.pages = try StorePage(try self.sequence.storage.branch(self.sequence.base))
                return self.writer.header
            }
            while let items = try await pages.next() {
                self.pages = pages
                if !items.isEmpty { return self.writer.block(of: items) }
            }
            self.isAtEnd = true
            return self.writer.trailer
        }

        /// Returns the next bytes, or `nil` at the end.
        public mutating func next(isolation actor: isolated (any Actor)?) async throws(StorageError) -> [UInt8]? {
            try await self.next()
        }
    }
}
