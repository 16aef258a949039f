import CKVStorageSQLite
import KVStorage

/// A prepared statement, lent by its ``Connection``; not used after the connection is closed.
///
/// Text and blobs are bound without a copy: they have to stay in place until ``reset()``.
struct Statement {
    private static let emptyText: StaticString = ""

    private let handle: OpaquePointer
    private let database: OpaquePointer

    init(_ handle: OpaquePointer, of database: OpaquePointer) {
        self.handle = handle
        self.database = database
    }

    // Without a destructor the bytes are static to SQLite (SQLITE_STATIC): it makes no copy.
    func bind(_ index: Int32, text: UnsafeBufferPointer<UInt8>) throws(StorageError) {
        // A null pointer would bind NULL instead of an empty text.
        let start = UnsafeRawPointer(text.baseAddress ?? Self.emptyText.utf8Start)
        let characters = start.assumingMemoryBound(to: CChar.self)
        try self.check(sqlite3_bind_text(self.handle, index, characters, Int32(clamping: text.count), nil))
    }

    func bind(_ index: Int32, blob: UnsafeBufferPointer<UInt8>) throws(StorageError) {
        // A null pointer would bind NULL instead of an empty blob.
        if blob.isEmpty {
            try self.check(sqlite3_bind_zeroblob(self.handle, index, 0))
        } else {
            try self.check(
                sqlite3_bind_blob64(self.handle, index, blob.baseAddress, sqlite3_uint64(blob.count), nil)
            )
        }
    }

    func bind(_ index: Int32, _ number: Int64) throws(StorageError) {
        try self.check(sqlite3_bind_int64(self.handle, index, number))
    }

    func bind(_ index: Int32, _ number: Int64?) throws(StorageError) {
        if let number {
            try self.bind(index, number)
        } else {
            try self.bindNull(index)
        }
    }

    func bindNull(_ index: Int32) throws(StorageError) {
        try self.check(sqlite3_bind_null(self.handle, index))
    }

    /// Goes to the next row and returns whether there is one.
    func step() throws(StorageError) -> Bool {
        switch sqlite3_step(self.handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        case let code: throw StorageError(sqlite: code, self.database)
        }
    }

    /// Runs a statement that answers with no rows, or whose rows don't matter.
    func run() throws(StorageError) {
        defer { self.reset() }
        while try self.step() {}
    }

    /// Ends the statement, and with it the read transaction if it was the last one that ran.
    func reset() {
        // The code that it returns is the one that `step` has thrown already.
        sqlite3_reset(self.handle)
    }

    func integer(_ column: Int32) -> Int64 {
        sqlite3_column_int64(self.handle, column)
    }

    func optionalInteger(_ column: Int32) -> Int64? {
        sqlite3_column_type(self.handle, column) == SQLITE_NULL ? nil : sqlite3_column_int64(self.handle, column)
    }

    func bytes(_ column: Int32) -> [UInt8] {
        // The order matters: the size is that of the representation asked for last.
        guard let start = sqlite3_column_blob(self.handle, column) else { return [] }
        let count = Int(sqlite3_column_bytes(self.handle, column))
        return [UInt8](unsafeUninitializedCapacity: count) { buffer, initializedCount in
            if let target = buffer.baseAddress {
                UnsafeMutableRawPointer(target).copyMemory(from: start, byteCount: count)
            }
            initializedCount = count
        }
    }

    /// The bytes of a text or blob where SQLite has them, until the next step or reset.
    func rawBytes(_ column: Int32) -> UnsafeRawBufferPointer {
        // The order matters: the size is that of the representation asked for last.
        let start = sqlite3_column_blob(self.handle, column)
        return UnsafeRawBufferPointer(
            start: start, count: start == nil ? 0 : Int(sqlite3_column_bytes(self.handle, column)))
    }

    /// Whether a blob is these bytes, without a copy of it.
    func holds(_ expected: [UInt8], in column: Int32) -> Bool {
        let bytes = self.rawBytes(column)
        return bytes.count == expected.count && expected.withUnsafeBytes { compareBytes(bytes, $0) == 0 }
    }

    func type(_ column: Int32) -> Int32 { sqlite3_column_type(self.handle, column) }

    func optionalBytes(_ column: Int32) -> [UInt8]? {
        sqlite3_column_type(self.handle, column) == SQLITE_NULL ? nil : self.bytes(column)
    }

    func text(_ column: Int32) -> String {
        guard let start = sqlite3_column_text(self.handle, column) else { return "" }
        let count = Int(sqlite3_column_bytes(self.handle, column))
        return String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
    }

    /// How many rows the last statement that wrote has changed.
    var changeCount: Int { Int(sqlite3_changes(self.database)) }

    private func check(_ code: Int32) throws(StorageError) {
        guard code == SQLITE_OK else { throw StorageError(sqlite: code, self.database) }
    }
}

extension String {
    /// Calls the body with the string's UTF-8 bytes, in place wherever the string allows it.
    @inline(__always)
    func withBytes<Result>(
        _ body: (UnsafeBufferPointer<UInt8>) throws(StorageError) -> Result
    ) throws(StorageError) -> Result {
        var copy = self
        // `withUTF8` rethrows without a type.
        let result: Swift.Result<Result, StorageError> = copy.withUTF8 { bytes in
            do throws(StorageError) { return .success(try body(bytes)) } catch { return .failure(error) }
        }
        return try result.get()
    }
}

extension [UInt8] {
    /// Calls the body with the bytes; the standard library's rethrows without a type.
    @inline(__always)
    func withBytes<Result>(
        _ body: (UnsafeBufferPointer<UInt8>) throws(StorageError) -> Result
    ) throws(StorageError) -> Result {
        let result: Swift.Result<Result, StorageError> = self.withUnsafeBufferPointer { bytes in
            do throws(StorageError) { return .success(try body(bytes)) } catch { return .failure(error) }
        }
        return try result.get()
    }
}
