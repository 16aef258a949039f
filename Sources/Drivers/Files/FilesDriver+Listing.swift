public import KVStorage

extension FilesDriver {
    /// Returns one page of keys, in the order of the file system.
    public func getKeys(_ query: KeyQuery) async throws(StorageError) -> KeyPage {
        try self.store.gate.enter()
        defer { self.store.gate.leave() }
        try self.store.look()
        switch try await self.store.removeExpired() {
        case .hidden(let keys):
            return try self.store.keys(query, without: keys)
        case .unknown:
            var page = try self.store.keys(query, without: [])
            page.keys.removeAll { key in
                // What can't be read is there all the same.
                if case .some(.none) = try? self.store.item(key, loadsValue: false) { return true }
                return false
            }
            return page
        }
    }

    /// Removes what is listed below the base, one item after the other, and returns how many there were.
    ///
    /// Items that the process may not read or remove stay, and so do items whose footer can't be read for that reason; all
    /// others are removed all the same.
    /// - Throws: at the end, `StorageError.Code.permissionDenied` if an item had to stay and nothing was removed,
    ///   `StorageError.Code.partlyDone` if others were; the error names the first that stayed.
    public func clear(_ base: String) async throws(StorageError) -> Int {
        var query = KeyQuery(base: base)
        var progress = ListingProgress()
        var removedCount = 0
        var keptCount = 0
        var failure: StorageError?
        while true {
            let page = try await self.getKeys(query)
            for key in page.keys {
                do throws(StorageError) {
                    if try await self.removeItem(key) { removedCount += 1 }
                } catch {
                    guard error.code == .permissionDenied else { throw error }
                    failure = failure ?? error
                    keptCount += 1
                }
            }
            do throws(StorageError) {
                guard try progress.advance(&query, past: page, self.name) else { break }
            } catch {
                throw error.afterPart("\(removedCount) items were removed", isDone: removedCount > 0)
            }
        }
        guard let failure else { return removedCount }
        guard removedCount > 0 else { throw failure }
        throw StorageError(
            .partlyDone, "\(removedCount) items were removed, \(keptCount) could not be: \(failure.message)",
            key: failure.key, underlying: failure)
    }
}
