import CKVStorageSQLite

/// A connection of a stranger's to the same file.
final class RawDatabase {
    struct Failure: Error {
        let code: Int32
        let text: String
    }

    private let handle: OpaquePointer?

    init(_ path: String) throws {
        var handle: OpaquePointer?
        let code = sqlite3_open_v2(path, &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nil)
        self.handle = handle
        guard code == SQLITE_OK else { throw Failure(code: code, text: path) }
        sqlite3_busy_timeout(handle, 10_000)
    }

    deinit { sqlite3_close_v2(self.handle) }

    /// Runs the statements and returns the first column of their rows.
    @discardableResult
    func run(_ text: String) throws -> [String] {
        var rows: [String] = []
        let code = withUnsafeMutablePointer(to: &rows) { rows in
            sqlite3_exec(
                self.handle,
                text,
                { rows, _, values, _ in
                    let value = values?.pointee.map { String(cString: $0) } ?? "NULL"
                    rows?.assumingMemoryBound(to: [String].self).pointee.append(value)
                    return 0
                },
                rows,
                nil
            )
        }
        guard code == SQLITE_OK else { throw Failure(code: code, text: text) }
        return rows
    }
}
