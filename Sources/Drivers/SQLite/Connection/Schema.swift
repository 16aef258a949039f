import KVStorage

/// The driver's tables: one for the items, and a small one that says in which format each is.
///
/// `user_version` would be shorter, but it belongs to the application whose database the table may live in.
enum Schema {
    static let version: Int64 = 1
    private static let formatTable = "kvstorage_format"
    private static let columns = ["key", "deadline", "created", "modified", "meta", "value"]
    private static let formatColumns = ["name", "version"]

    enum State {
        case missing
        case current
    }

    /// Returns whether the tables are there.
    ///
    /// - Throws: `StorageError.Code.incompatibleFormat` if what is there is newer or not the driver's.
    static func inspect(_ connection: borrowing Connection, table: String) throws(StorageError) -> State {
        let encoding = try connection.query("PRAGMA encoding") { $0.text(0) }
        guard encoding == ["UTF-8"] else {
            throw StorageError(
                .incompatibleFormat,
                "the database's encoding is \(encoding.joined()), in which keys would be ordered differently; use another file"
            )
        }
        let items = try self.columns(of: table, atLeast: self.columns, connection)
        let formats = try self.columns(of: self.formatTable, atLeast: self.formatColumns, connection)
        guard let formats else {
            guard items == nil else { throw self.foreign(table) }
            return .missing
        }
        guard formats == self.formatColumns else { throw self.foreign(self.formatTable) }
        let stored = try connection.query(
            "SELECT version FROM \(self.formatTable) WHERE name = '\(table)' COLLATE NOCASE"
        ) { $0.integer(0) }
        guard let version = stored.first else {
            guard items == nil else { throw self.foreign(table) }
            return .missing
        }
        guard version <= self.version else {
            throw StorageError(
                .incompatibleFormat,
                "the table \"\(table)\" has format \(version), this version knows up to \(self.version); update KVStorage"
            )
        }
        guard let items else { return .missing }
        guard version == self.version, items == self.columns else { throw self.foreign(table) }
        return .current
    }

    /// Makes the tables, unless another process was faster; inside a transaction.
    static func create(_ connection: borrowing Connection, table: String) throws(StorageError) {
        try connection.execute("BEGIN IMMEDIATE")
        do {
            if try self.inspect(connection, table: table) == .missing {
                for text in self.statements(table: table) { try connection.execute(text) }
            }
            try connection.execute("COMMIT")
        } catch {
            // Without a transaction, as after some errors, there is nothing to undo.
            try? connection.execute("ROLLBACK")
            throw error
        }
    }

    private static func statements(table: String) -> [String] {
        [
            """
            CREATE TABLE IF NOT EXISTS \(self.formatTable) (
            name TEXT PRIMARY KEY COLLATE NOCASE, version INTEGER NOT NULL) WITHOUT ROWID
            """,
            """
            CREATE TABLE "\(table)" (
            key TEXT PRIMARY KEY, deadline INTEGER, created INTEGER NOT NULL, modified INTEGER NOT NULL,
            meta BLOB, value BLOB NOT NULL) WITHOUT ROWID
            """,
            """
            CREATE INDEX "kvstorage_deadline_\(table)" ON "\(table)" (deadline) WHERE deadline IS NOT NULL
            """,
            "INSERT OR REPLACE INTO \(self.formatTable) (name, version) VALUES ('\(table)', \(self.version))",
        ]
    }

    /// Returns the table's columns; `nil` if there is none, an empty list for anything else of that name.
    ///
    /// Columns that somebody added behind the driver's own change nothing for it if they need no value; they are left out.
    private static func columns(
        of table: String,
        atLeast own: [String],
        _ connection: borrowing Connection
    ) throws(StorageError) -> [String]? {
        let types = try connection.query(
            "SELECT type FROM sqlite_master WHERE name = '\(table)' COLLATE NOCASE"
        ) { $0.text(0) }
        guard let type = types.first else { return nil }
        guard type == "table" else { return [] }
        let columns = try connection.query("PRAGMA table_info(\"\(table)\")") { row in
            (name: row.text(1), needsValue: row.integer(3) != 0 && row.optionalBytes(4) == nil)
        }
        let added = columns.dropFirst(own.count)
        return added.contains { $0.needsValue } ? columns.map(\.name) : columns.prefix(own.count).map(\.name)
    }

    private static func foreign(_ table: String) -> StorageError {
        StorageError(
            .incompatibleFormat,
            "the database has a \"\(table)\" that KVStorage did not make; it was left untouched, choose another tableName"
        )
    }
}
