import CKVStorageSQLite
import KVStorage

extension Connection {
    /// Copies the log into the database and cuts it to nothing, or throws SQLite's refusal if somebody is in the way.
    borrowing func truncateLog() throws(StorageError) {
        let code = sqlite3_wal_checkpoint_v2(self.handle, nil, SQLITE_CHECKPOINT_TRUNCATE, nil, nil)
        guard code == SQLITE_OK else { throw StorageError(sqlite: code, self.handle) }
    }

    /// Counts in one read transaction.
    borrowing func statistics(_ path: String, table: String) throws(StorageError) -> StoreStatistics {
        try self.inReadTransaction { () throws(StorageError) in
            let items = try self.query("SELECT count(*) FROM \"\(table)\"") { $0.integer(0) }
            let freePages = try self.query("PRAGMA freelist_count") { $0.integer(0) }
            let pageBytes = self.pageBytes
            let files = ["", "-wal", "-shm", "-reserve"].map { suffix in
                if case .regular(let bytes) = SQLitePlatform.kind(of: path + suffix) { Int(bytes) } else { 0 }
            }
            return StoreStatistics(
                itemCount: Int(items.first ?? 0),
                byteCount: files.reduce(0, +),
                freeByteCount: Int(freePages.first ?? 0) * pageBytes,
                logByteCount: self.uncopiedLogPages.map { $0 * pageBytes }
            )
        }
    }

    /// Lets several statements see the same moment.
    borrowing func inReadTransaction<Value>(
        _ body: () throws(StorageError) -> Value
    ) throws(StorageError) -> Value {
        try self.execute("BEGIN")
        do throws(StorageError) {
            let value = try body()
            try self.execute("COMMIT")
            return value
        } catch {
            // Without a transaction, as after some errors, there is nothing to undo.
            try? self.execute("ROLLBACK")
            throw error
        }
    }

    /// How many pages of the log are still to be copied into the database; `nil` if there is no log.
    private var uncopiedLogPages: Int? {
        var pages: Int32 = 0
        var copied: Int32 = 0
        guard kvstorage_sqlite3_log(self.handle, &pages, &copied) == SQLITE_OK else { return nil }
        return max(Int(pages) - Int(copied), 0)
    }
}
