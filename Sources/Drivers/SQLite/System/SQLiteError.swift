import CKVStorageSQLite
import KVStorage

/// What SQLite said; `StorageError.underlying` of the errors that ``SQLiteDriver`` throws.
public struct SQLiteError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The extended result code, as in <https://www.sqlite.org/rescode.html>.
    public var resultCode: Int32
    /// SQLite's own words.
    public var message: String

    /// The result code's number and SQLite's words.
    public var description: String { "SQLite error \(self.resultCode): \(self.message)" }
}

/// SQLite's result codes that the driver tells apart, without their extension.
struct ResultCode: Hashable {
    let rawValue: Int32

    init(_ extendedCode: Int32) {
        self.rawValue = extendedCode & 0xFF
    }

    static let ok = Self(SQLITE_OK)
    static let row = Self(SQLITE_ROW)
    static let done = Self(SQLITE_DONE)
    static let error = Self(SQLITE_ERROR)
    static let permission = Self(SQLITE_PERM)
    static let busy = Self(SQLITE_BUSY)
    static let locked = Self(SQLITE_LOCKED)
    static let outOfMemory = Self(SQLITE_NOMEM)
    static let readOnly = Self(SQLITE_READONLY)
    static let inputOutput = Self(SQLITE_IOERR)
    static let corrupted = Self(SQLITE_CORRUPT)
    static let full = Self(SQLITE_FULL)
    static let cannotOpen = Self(SQLITE_CANTOPEN)
    static let lockingProtocol = Self(SQLITE_PROTOCOL)
    static let tooBig = Self(SQLITE_TOOBIG)
    static let authorization = Self(SQLITE_AUTH)
    static let notADatabase = Self(SQLITE_NOTADB)

    static func ~= (pattern: Self, extendedCode: Int32) -> Bool {
        pattern == Self(extendedCode)
    }
}

extension StorageError {
    /// Translates a result code; the one place where that is done.
    init(sqlite code: Int32, _ database: OpaquePointer?, key: String? = nil) {
        let message = database.map { String(cString: sqlite3_errmsg($0)) } ?? String(cString: sqlite3_errstr(code))
        let (kind, advice) = Self.meaning(of: code, systemError: Self.systemError(behind: code, database))
        self.init(kind, advice, key: key, underlying: SQLiteError(resultCode: code, message: message))
    }

    private static func systemError(behind code: Int32, _ database: OpaquePointer?) -> Int32 {
        guard let database else { return 0 }
        return switch code {
        case .inputOutput: kvstorage_sqlite3_errno(database)
        case .cannotOpen: sqlite3_system_errno(database)
        default: 0
        }
    }

    private static func meaning(of code: Int32, systemError: Int32) -> (Code, String) {
        switch code {
        // The index of the log could not be made larger, for which SQLite names no other reason than a full disk.
        case _ where code == kvstorage_sqlite3_ioerr_shmsize,
            .inputOutput where SQLitePlatform.isOutOfSpace(systemError), .full:
            (.full, "the disk, a quota or a file size limit is full; nothing was written, make room and try again")
        case .busy, .locked, .lockingProtocol:
            (
                .unavailable,
                "another connection holds the database for too long, perhaps in exclusive mode; try again or raise busyTimeout"
            )
        case .readOnly:
            (.readOnly, "the database can't be written; check the permissions of the file and of its folder")
        case .permission, .authorization:
            (.permissionDenied, "access to the database was denied; check its permissions")
        case .cannotOpen where SQLitePlatform.isDenied(systemError):
            (
                .permissionDenied,
                "the database can't be opened; SQLite needs write permission in its folder, for reading too"
            )
        case .cannotOpen:
            (.unavailable, "the database can't be opened; check the path and the permissions of file and folder")
        case .notADatabase:
            (.incompatibleFormat, "the file is no SQLite database; it was left untouched, choose another path")
        case .corrupted:
            (.corrupted, "the database is damaged; restore it from a backup or recover it with sqlite3's .recover")
        case .tooBig:
            (.tooLarge, "the item is larger than a SQLite row can be; split it")
        case .outOfMemory:
            (.unavailable, "SQLite got no memory")
        case .error:
            (.incompatibleFormat, "the table is not as the driver made it; another program changed or removed it")
        default:
            (.inputOutput, "reading or writing the database failed")
        }
    }

    /// Returns the error with advice for somebody who only wants to read.
    func explainingReading(of path: String) -> StorageError {
        guard let error = self.underlying as? SQLiteError else { return self }
        let message: String
        switch error.resultCode {
        case kvstorage_sqlite3_readonly_rollback:
            message = """
                another program was killed while it wrote to \"\(path)\", which has to be undone before it can be read; open \
                it once with permission to write
                """
        case .readOnly, .cannotOpen:
            message = """
                reading \"\(path)\" needs permission to write in its folder and to the files \"-wal\" and \"-shm\" there, \
                which all readers share; grant it, or open the database from a read-only medium
                """
        default: return self
        }
        return StorageError(self.code, message, key: self.key, underlying: error)
    }

    /// Whether SQLite refused for somebody else's lock, so that trying again may help.
    var isBusy: Bool {
        guard let error = self.underlying as? SQLiteError else { return false }
        return switch error.resultCode {
        case .busy, .locked, .lockingProtocol: true
        default: false
        }
    }
}
