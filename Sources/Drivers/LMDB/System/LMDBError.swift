import CKVStorageLMDB
import KVStorage

/// What LMDB said; `StorageError.underlying` of the errors that ``LMDBDriver`` throws.
public struct LMDBError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The result code: one of LMDB's own, which are negative, or an `errno` of the system.
    public var resultCode: Int32
    /// LMDB's own words.
    public var message: String

    /// The result code's number and LMDB's words.
    public var description: String { "LMDB error \(self.resultCode): \(self.message)" }
}

extension StorageError {
    /// Translates a result code; the one place where that is done.
    init(lmdb code: Int32, key: String? = nil) {
        let (kind, advice) = Self.meaning(of: code)
        let message = mdb_strerror(code).map { String(cString: $0) } ?? "no message"
        self.init(kind, advice, key: key, underlying: LMDBError(resultCode: code, message: message))
    }

    /// LMDB's result code, if the error came from LMDB.
    var lmdbCode: Int32? { (self.underlying as? LMDBError)?.resultCode }

    private static func meaning(of code: Int32) -> (Code, String) {
        switch code {
        case MDB_MAP_FULL:
            (.full, "the environment has grown to maximumSize; nothing was written, remove items or raise it")
        case MDB_TXN_FULL:
            (.tooLarge, "the write changes more pages than one transaction of LMDB takes; split it")
        case MDB_BAD_VALSIZE:
            (.tooLarge, "the key or the value is larger than LMDB takes")
        case MDB_READERS_FULL:
            (
                .unavailable,
                "other processes use all places for readers of the environment; let them use fewer, or close them all once"
            )
        case MDB_DBS_FULL:
            (
                .invalidOption,
                "too many databases of the environment are open in this process; dispose of all its drivers"
            )
        case MDB_INVALID:
            (.incompatibleFormat, "the folder holds no LMDB environment; choose another path")
        case MDB_VERSION_MISMATCH:
            (.incompatibleFormat, "the environment is in use by, or was written by, another version of LMDB")
        case MDB_INCOMPATIBLE, MDB_BAD_DBI:
            (.incompatibleFormat, "the database is not as the driver made it; another program changed it")
        case MDB_CORRUPTED, MDB_PAGE_NOTFOUND, MDB_CURSOR_FULL, MDB_PAGE_FULL, MDB_BAD_TXN:
            (.corrupted, "the environment is damaged; restore it from a backup")
        case MDB_PANIC:
            (
                .inputOutput,
                "an earlier commit failed half-way; dispose of the environment's drivers and open them again"
            )
        case MDB_BAD_RSLOT:
            (.unavailable, "the environment was opened before a fork; open it in the child process again")
        default:
            LMDBPlatform.meaning(of: code)
        }
    }
}
