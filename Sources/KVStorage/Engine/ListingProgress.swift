/// Takes a listing from page to page, and makes sure that it gets on.
///
/// A driver's cursor that comes again would have the listing go round forever; it throws instead.
package struct ListingProgress {
    // One of the earlier cursors, taken anew after 1, 2, 4, 8 … pages: of any circle one is met again (Brent).
    private var mark: String?
    private var pagesUntilMark = 1
    private var pagesSinceMark = 0

    package init() {}

    /// Makes `query` ask for the page after the given one, and returns whether there is one.
    ///
    /// - Throws: ``StorageError/Code/corrupted`` if the driver, by its name, does not get on;
    ///   ``StorageError/Code/cancelled`` if the task was cancelled.
    package mutating func advance(
        _ query: inout KeyQuery,
        past page: KeyPage,
        _ engine: @autoclosure () -> String
    ) throws(StorageError) -> Bool {
        guard let cursor = page.cursor else { return false }
        if keysEqual(cursor, query.cursor ?? "") && query.cursor != nil
            || self.mark.map({ keysEqual($0, cursor) }) ?? false
        {
            throw StorageError(
                .corrupted,
                "the listing of the \(engine()) driver goes round in circles and was given up; verify the store"
            )
        }
        self.pagesSinceMark += 1
        if self.pagesSinceMark == self.pagesUntilMark {
            self.mark = cursor
            self.pagesUntilMark *= 2
            self.pagesSinceMark = 0
        }
        query.cursor = cursor
        guard !Task.isCancelled else { throw Self.cancelled }
        return true
    }

    package static var cancelled: StorageError {
        StorageError(.cancelled, "the task was cancelled, so no further page was read")
    }
}
