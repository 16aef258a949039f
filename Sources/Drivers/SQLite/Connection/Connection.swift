import CKVStorageSQLite
import KVStorage

/// A connection and its prepared statements; closed when it goes.
///
/// Opened with SQLITE_OPEN_NOMUTEX: whoever owns it sees to it that one thread at a time uses it.
struct Connection: ~Copyable {
    enum Purpose {
        /// Reads and writes; the file is made if it is missing.
        case write
        /// Reads beside a writer of the same driver.
        case read
        /// Reads a database that this process never writes.
        case readOnly
        /// Reads a database that nobody can write.
        case immutable
    }

    /// `nil` after ``close()``.
    private(set) var handle: OpaquePointer?
    private let table: String
    private var statements: [OpaquePointer?]
    // Where SQLite's hook leaves the number of pages in the log after a commit.
    private let logPagesSlot: UnsafeMutablePointer<Int32>

    init(path: String, for purpose: Purpose, _ configuration: SQLiteDriver.Configuration) throws(StorageError) {
        var handle: OpaquePointer?
        let code = sqlite3_open_v2(
            purpose == .immutable ? Self.immutableURI(path) : Self.unambiguous(path),
            &handle,
            Self.flags(for: purpose) | SQLITE_OPEN_NOMUTEX,
            configuration.exclusive ? "unix-excl" : nil
        )
        guard code == SQLITE_OK, let handle else {
            let error = StorageError(sqlite: code, handle)
            sqlite3_close_v2(handle)
            throw error
        }
        sqlite3_extended_result_codes(handle, 1)
        self.handle = handle
        self.table = configuration.tableName
        self.statements = Array(repeating: nil, count: Query.allCases.count)
        self.logPagesSlot = .allocate(capacity: 1)
        self.logPagesSlot.initialize(to: 0)
    }

    deinit {
        Self.close(self.handle, self.statements)
        self.logPagesSlot.deallocate()
    }

    /// Finalises the statements and closes the connection; whatever comes after is refused by SQLite.
    mutating func close() {
        Self.close(self.handle, self.statements)
        self.handle = nil
        self.statements = []
    }

    /// Returns the statement, prepared on its first use.
    mutating func statement(_ query: Query) throws(StorageError) -> Statement {
        guard let handle = self.handle else { throw StorageError(.closed, "the driver was disposed; mount a new one") }
        if let statement = self.statements[query.rawValue] { return Statement(statement, of: handle) }
        let flags = UInt32(SQLITE_PREPARE_PERSISTENT)
        let statement = try Self.prepare(query.text(table: self.table), handle, flags: flags)
        self.statements[query.rawValue] = statement
        return Statement(statement, of: handle)
    }

    /// Runs a kept statement without parameters.
    mutating func run(_ query: Query) throws(StorageError) {
        try self.statement(query).run()
    }

    /// Runs a statement once and returns what `read` makes of its rows.
    borrowing func query<Row>(
        _ text: String,
        _ read: (Statement) -> Row
    ) throws(StorageError) -> [Row] {
        guard let handle = self.handle else { throw StorageError(.closed, "the driver was disposed; mount a new one") }
        let prepared = try Self.prepare(text, handle, flags: 0)
        defer { sqlite3_finalize(prepared) }
        let statement = Statement(prepared, of: handle)
        var rows: [Row] = []
        while try statement.step() { rows.append(read(statement)) }
        return rows
    }

    borrowing func execute(_ text: String) throws(StorageError) {
        _ = try self.query(text) { _ in }
    }

    /// Whether a transaction is open; some errors end it by themselves.
    var isInTransaction: Bool { self.handle.map { sqlite3_get_autocommit($0) == 0 } ?? false }

    var isOpen: Bool { self.handle != nil }

    /// Whether the path no longer leads to the file that is open.
    var hasMoved: Bool {
        var answer: Int32 = 0
        return sqlite3_file_control(self.handle, "main", SQLITE_FCNTL_HAS_MOVED, &answer) == SQLITE_OK && answer != 0
    }

    /// Whether SQLite opened the file for reading only, which it does without an error when it can't write.
    var isReadOnly: Bool { sqlite3_db_readonly(self.handle, "main") == 1 }

    /// The most bytes that a row may have.
    var maximumRowBytes: Int { Int(sqlite3_limit(self.handle, SQLITE_LIMIT_LENGTH, -1)) }

    /// The bytes of a page; SQLite's default until the database is read.
    var pageBytes: Int {
        (try? self.query("PRAGMA page_size") { Int($0.integer(0)) })?.first ?? 4096
    }

    func setBusyTimeout(_ timeout: Duration) {
        sqlite3_busy_timeout(self.handle, Int32(clamping: timeout.wholeMilliseconds))
    }

    func keepLogOnClose(_ keeps: Bool) {
        _ = kvstorage_sqlite3_keep_log_on_close(self.handle, keeps ? 1 : 0)
    }

    /// Returns the first bytes of the file, fewer if it is shorter, and its size.
    func header() throws(StorageError) -> (bytes: [UInt8], fileBytes: Int64) {
        var size: sqlite3_int64 = 0
        var bytes = [UInt8](repeating: 0, count: 100)
        let code = kvstorage_sqlite3_read_header(self.handle, &bytes, Int32(bytes.count), &size)
        guard code == SQLITE_OK else { throw StorageError(sqlite: code, self.handle) }
        return (Array(bytes.prefix(Int(clamping: size))), size)
    }
}

// MARK: - The log

extension Connection {
    /// Has commits no longer copy the log into the database by themselves; they count its pages instead.
    func countLogPages() {
        sqlite3_wal_hook(
            self.handle,
            { slot, _, _, pages in
                slot?.assumingMemoryBound(to: Int32.self).pointee = pages
                return SQLITE_OK
            },
            self.logPagesSlot
        )
    }

    /// How many pages the log had after the last commit.
    var logPages: Int { Int(self.logPagesSlot.pointee) }

    /// Copies as much of the log into the database as nobody still reads; a failure loses nothing, as the log stays.
    @discardableResult
    func checkpoint(truncating: Bool) -> CheckpointOutcome {
        guard let handle = self.handle else { return .failed(StorageError(.closed, "the connection is closed")) }
        var logPages: Int32 = 0
        var copiedPages: Int32 = 0
        let mode = truncating ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE
        let code = sqlite3_wal_checkpoint_v2(handle, nil, mode, &logPages, &copiedPages)
        guard code == SQLITE_OK else {
            let error = StorageError(sqlite: code, handle)
            return error.code == .full ? .full : error.isBusy ? .partly : .failed(error)
        }
        return logPages == copiedPages ? .done : .partly
    }
}

/// What became of an attempt to copy the log into the database.
enum CheckpointOutcome: Equatable {
    /// All of it was copied.
    case done
    /// Somebody still reads from the rest, or holds a lock.
    case partly
    /// There was no room for it.
    case full
    case failed(StorageError)

    static func == (left: Self, right: Self) -> Bool {
        switch (left, right) {
        case (.done, .done), (.partly, .partly), (.full, .full): true
        default: false
        }
    }
}

extension Connection {
    /// - Throws: `StorageError.Code.notSupported` if the library is older than `RETURNING`.
    static func requireVersion() throws(StorageError) {
        guard sqlite3_libversion_number() >= 3_035_000 else {
            throw StorageError(
                .notSupported,
                "SQLite is \(String(cString: sqlite3_libversion())); the driver needs 3.35 or later"
            )
        }
    }

    private static func flags(for purpose: Purpose) -> Int32 {
        switch purpose {
        case .write: SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
        // A descriptor without write permission can't hold the lock of the exclusive mode: `query_only` does instead.
        case .read: SQLITE_OPEN_READWRITE
        case .readOnly: SQLITE_OPEN_READONLY
        case .immutable: SQLITE_OPEN_READONLY | SQLITE_OPEN_URI
        }
    }

    // "file:…" would be a URI where SQLite is built so, ":memory:" no file at all.
    private static func unambiguous(_ path: String) -> String {
        path.utf8.first == UInt8(ascii: "/") ? path : "./" + path
    }

    private static func immutableURI(_ path: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        let bytes = path.utf8.flatMap { byte -> [UInt8] in
            switch byte {
            case UInt8(ascii: "%"), UInt8(ascii: "?"), UInt8(ascii: "#"), 0x80...:
                [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            default: [byte]
            }
        }
        // Two slashes and no host: without them a path that begins with two would name one.
        return "file:" + (path.utf8.first == UInt8(ascii: "/") ? "//" : "") + String(decoding: bytes, as: UTF8.self)
            + "?immutable=1"
    }

    private static func prepare(
        _ text: String,
        _ handle: OpaquePointer,
        flags: UInt32
    ) throws(StorageError) -> OpaquePointer {
        var statement: OpaquePointer?
        let code = sqlite3_prepare_v3(handle, text, -1, flags, &statement, nil)
        guard code == SQLITE_OK, let statement else { throw StorageError(sqlite: code, handle) }
        return statement
    }

    private static func close(_ handle: OpaquePointer?, _ statements: [OpaquePointer?]) {
        guard let handle else { return }
        for statement in statements { sqlite3_finalize(statement) }
        sqlite3_close_v2(handle)
    }
}
