import CKVStorageSQLite
import KVStorage

/// Copies a database that is in use into a new file.
struct Backup {
    // 2 MiB of 8 KiB each between two looks whether to stop.
    private static let pagesPerStep: Int32 = 256

    private let file: File
    private let target: String
    private let partial: String
    private let configuration: SQLiteDriver.Configuration

    init(
        of file: File,
        to path: String,
        _ configuration: SQLiteDriver.Configuration
    ) throws(StorageError) {
        guard !path.isEmpty, !path.utf8.contains(0) else {
            throw StorageError(.invalidOption, "a backup needs the path of a new file")
        }
        guard case .folder = SQLitePlatform.kind(of: SQLitePlatform.folder(of: path)) else {
            throw StorageError(.invalidOption, "the folder of \"\(path)\" does not exist; create it first")
        }
        guard !SQLitePlatform.isTaken(path) else { throw Self.takenError(path) }
        self.file = file
        self.target = path
        self.partial = path + "-partial-" + String(UInt64.random(in: 0 ... .max), radix: 16)
        self.configuration = configuration
    }

    func run(_ operation: Operation) throws(StorageError) {
        let mode = SQLitePlatform.identity(of: self.file.path)?.mode ?? self.configuration.fileMode
        SQLitePlatform.createFile(self.partial, mode: mode)
        do throws(StorageError) {
            try self.copy(operation)
            try operation.check()
            try SQLitePlatform.publish(self.partial, as: self.target) { Self.takenError(self.target) }
        } catch {
            SQLitePlatform.remove(self.partial)
            throw error
        }
    }

    private func copy(_ operation: Operation) throws(StorageError) {
        let source = try Connection.maintenance(self.file, self.configuration, writes: false)
        operation.interrupts(source)
        // One read transaction for all steps: without it each write of others would have the copy begin anew.
        try operation.retrying { () throws(StorageError) in
            try source.execute("BEGIN")
            do throws(StorageError) {
                try source.execute("SELECT 1 FROM sqlite_master LIMIT 1")
            } catch {
                try? source.execute("ROLLBACK")
                throw error
            }
        }
        var settings = self.configuration
        settings.exclusive = false
        settings.cacheBytes = nil
        let target = try Connection(path: self.partial, for: .write, settings)
        // Nobody knows the file yet: it is flushed once, as a whole, and thrown away if it is not finished.
        try target.execute("PRAGMA journal_mode = OFF")
        try target.execute("PRAGMA synchronous = OFF")
        guard let backup = sqlite3_backup_init(target.handle, "main", source.handle, "main") else {
            throw StorageError(sqlite: sqlite3_errcode(target.handle), target.handle)
        }
        var code = SQLITE_OK
        do throws(StorageError) {
            while code != SQLITE_DONE {
                code = try operation.retrying { () throws(StorageError) in
                    let code = sqlite3_backup_step(backup, Self.pagesPerStep)
                    guard code == SQLITE_OK || code == SQLITE_DONE else { throw StorageError(sqlite: code, nil) }
                    return code
                }
            }
        } catch {
            sqlite3_backup_finish(backup)
            throw error
        }
        code = sqlite3_backup_finish(backup)
        guard code == SQLITE_OK else { throw StorageError(sqlite: code, target.handle) }
    }

    private static func takenError(_ path: String) -> StorageError {
        StorageError(.invalidOption, "there is a file \"\(path)\" already; a backup overwrites nothing, name a new one")
    }
}
