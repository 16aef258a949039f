public import KVStorage

/// What is done with a whole store.
extension FilesDriver {
    /// Reads every item and says what is wrong: damaged footers, files that can't be read, deadlines that nobody would notice.
    ///
    /// A plain item is its bytes and nothing else, without a checksum: that a disk has changed some of them is not seen.
    /// The store goes on meanwhile; what is written or removed during the call may or may not be looked at. Takes as long as
    /// reading all files does, on a thread of the driver's own; disposing ends it.
    ///
    /// - Throws: `StorageError.Code.closed` after ``dispose()``, `StorageError.Code.permissionDenied` and
    ///   `StorageError.Code.inputOutput` for a folder that can't be read.
    public func verify() async throws(StorageError) -> StoreVerification {
        try await self.store.inspecting { store throws(StorageError) in try store.verify() }
    }

    /// Counts the items and the bytes that the store's files take on the disk; folders are not counted.
    ///
    /// Looks at every file, reads none, on a thread of the driver's own; disposing ends it.
    ///
    /// - Throws: `StorageError.Code.closed` after ``dispose()``, `StorageError.Code.permissionDenied` and
    ///   `StorageError.Code.inputOutput` for a folder that can't be read.
    public func statistics() async throws(StorageError) -> StoreStatistics {
        try await self.store.inspecting { store throws(StorageError) in try store.statistics() }
    }
}
