import CKVStorageSQLite
import KVStorage

/// Reads a whole database and gathers what is wrong with it.
struct Verification {
    // So many are kept; one more says nothing new.
    private static let limit = 100

    private let table: String
    private var itemCount = 0
    private var deadlineCount = 0
    private var problems: [String] = []

    init(_ table: String) {
        self.table = table
    }

    mutating func run(
        _ connection: borrowing Connection,
        _ operation: Operation
    ) throws(StorageError) -> StoreVerification {
        operation.interrupts(connection)
        try operation.retrying { () throws(StorageError) in try connection.execute("BEGIN") }
        defer { try? connection.execute("ROLLBACK") }
        do throws(StorageError) {
            try operation.retrying { () throws(StorageError) in
                let lines = try connection.query("PRAGMA quick_check(\(Self.limit))") { $0.text(0) }
                if lines != ["ok"] {
                    for line in lines { self.note("the file is damaged (\(line)); restore a backup") }
                }
            }
            try self.readRows(connection)
            try self.compareIndex(connection)
        } catch {
            try operation.check()
            guard error.code == .corrupted || error.code == .incompatibleFormat else { throw error }
            self.note("reading ended after \(self.itemCount) items: \(error.message)")
        }
        return StoreVerification(itemCount: self.itemCount, problems: self.problems)
    }

    private mutating func readRows(_ connection: borrowing Connection) throws(StorageError) {
        _ = try connection.query(
            "SELECT key, deadline, created, modified, meta, value FROM \"\(self.table)\" ORDER BY key"
        ) { row in self.check(row) }
    }

    private mutating func check(_ row: Statement) {
        if row.type(1) != SQLITE_NULL { self.deadlineCount += 1 }
        guard row.type(0) == SQLITE_TEXT, let key = Key.name(row.rawBytes(0)) else {
            let bytes = row.rawBytes(0).prefix(32).map { byte in
                let digits = String(byte, radix: 16)
                return digits.utf8.count == 1 ? "0" + digits : digits
            }
            self.note("a row's key is no key (bytes \(bytes.joined())); it is not listed, remove it with SQL")
            return
        }
        let isWhole =
            [SQLITE_NULL, SQLITE_INTEGER].contains(row.type(1)) && row.type(2) == SQLITE_INTEGER
            && row.type(3) == SQLITE_INTEGER && [SQLITE_NULL, SQLITE_BLOB].contains(row.type(4))
            && [SQLITE_BLOB, SQLITE_TEXT].contains(row.type(5))
        guard isWhole else {
            self.note("the item \"\(key)\" has a column of another type than the driver writes; write or remove it")
            return
        }
        // Reads the pages behind a value that is not in the row's own.
        _ = row.rawBytes(4)
        _ = row.rawBytes(5)
        self.itemCount += 1
    }

    // `quick_check` does not look whether an index holds what the table does.
    private mutating func compareIndex(_ connection: borrowing Connection) throws(StorageError) {
        let index = "kvstorage_deadline_\(self.table)"
        let counts = try? connection.query(
            "SELECT count(*) FROM \"\(self.table)\" INDEXED BY \"\(index)\" WHERE deadline IS NOT NULL"
        ) { Int($0.integer(0)) }
        guard let count = counts?.first else {
            return self.note(
                "the index \"\(index)\" is missing or damaged; items expire slowly without it, make it again")
        }
        if count != self.deadlineCount {
            self.note(
                "the index \"\(index)\" has \(count) of \(self.deadlineCount) deadlines; run REINDEX \"\(index)\"")
        }
    }

    private mutating func note(_ problem: String) {
        if self.problems.count < Self.limit { self.problems.append(problem) }
    }
}
