import CKVStorageLMDB
import KVStorage

/// A transaction that somebody else begins and ends.
///
/// Bytes that it hands out lie in LMDB's map: they are valid until it ends or, in one that writes, until its next
/// write.
struct Transaction {
    let handle: OpaquePointer

    @inline(__always)
    func get(_ key: UnsafeRawBufferPointer, from database: MDB_dbi) throws(StorageError) -> UnsafeRawBufferPointer? {
        var keyValue = MDB_val(key)
        var found = MDB_val()
        switch mdb_get(self.handle, database, &keyValue, &found) {
        case MDB_SUCCESS: return UnsafeRawBufferPointer(found)
        case MDB_NOTFOUND: return nil
        case let code: throw StorageError(lmdb: code)
        }
    }

    /// Makes room for so many bytes under the key, replacing what was there, and has `fill` write all of them.
    func put(
        _ key: UnsafeRawBufferPointer,
        into database: MDB_dbi,
        byteCount: Int,
        _ fill: (UnsafeMutableRawBufferPointer) -> Void
    ) throws(StorageError) {
        var keyValue = MDB_val(key)
        var room = MDB_val(mv_size: byteCount, mv_data: nil)
        try Self.check(mdb_put(self.handle, database, &keyValue, &room, UInt32(MDB_RESERVE)))
        fill(UnsafeMutableRawBufferPointer(start: room.mv_data, count: byteCount))
    }

    /// Adds the pair of key and value; nothing happens if it is there.
    func add(
        _ key: UnsafeRawBufferPointer,
        _ value: UnsafeRawBufferPointer,
        to database: MDB_dbi
    ) throws(StorageError) {
        var keyValue = MDB_val(key)
        var dataValue = MDB_val(value)
        try Self.check(mdb_put(self.handle, database, &keyValue, &dataValue, 0))
    }

    /// Deletes the key and returns whether it was there.
    @discardableResult
    func delete(_ key: UnsafeRawBufferPointer, from database: MDB_dbi) throws(StorageError) -> Bool {
        var keyValue = MDB_val(key)
        return try Self.isFound(mdb_del(self.handle, database, &keyValue, nil))
    }

    /// Deletes the pair of key and value from a database that keeps several values of a key.
    func delete(
        _ key: UnsafeRawBufferPointer,
        _ value: UnsafeRawBufferPointer,
        from database: MDB_dbi
    ) throws(StorageError) {
        var keyValue = MDB_val(key)
        var dataValue = MDB_val(value)
        _ = try Self.isFound(mdb_del(self.handle, database, &keyValue, &dataValue))
    }

    /// Deletes everything in the database.
    func empty(_ database: MDB_dbi) throws(StorageError) {
        try Self.check(mdb_drop(self.handle, database, 0))
    }

    /// Returns how many pairs of key and value the database holds.
    func count(of database: MDB_dbi) throws(StorageError) -> Int {
        var statistics = MDB_stat()
        try Self.check(mdb_stat(self.handle, database, &statistics))
        return statistics.ms_entries
    }

    /// Returns the handle of a named database (`nil`: the one that holds the names), or `nil` if there is none.
    func openDatabase(_ name: String?, _ flags: Int32 = 0) throws(StorageError) -> MDB_dbi? {
        var database: MDB_dbi = 0
        let isThere = try Self.isFound(mdb_dbi_open(self.handle, name, UInt32(flags), &database))
        return isThere ? database : nil
    }

    /// Returns the handle of a named database, which is made if there is none.
    func makeDatabase(_ name: String, _ flags: Int32 = 0) throws(StorageError) -> MDB_dbi {
        var database: MDB_dbi = 0
        try Self.check(mdb_dbi_open(self.handle, name, UInt32(flags | MDB_CREATE), &database))
        return database
    }

    func flags(of database: MDB_dbi) throws(StorageError) -> Int32 {
        var flags: UInt32 = 0
        try Self.check(mdb_dbi_flags(self.handle, database, &flags))
        return Int32(truncatingIfNeeded: flags)
    }

    /// Calls the body with a cursor that is closed afterwards.
    func withCursor<Result>(
        on database: MDB_dbi,
        _ body: (Cursor) throws(StorageError) -> Result
    ) throws(StorageError) -> Result {
        var cursor: OpaquePointer?
        try Self.check(mdb_cursor_open(self.handle, database, &cursor))
        guard let cursor else { throw StorageError(lmdb: LMDBPlatform.invalidArgument) }
        defer { mdb_cursor_close(cursor) }
        return try body(Cursor(handle: cursor))
    }

    static func check(_ code: Int32) throws(StorageError) {
        guard code == MDB_SUCCESS else { throw StorageError(lmdb: code) }
    }

    static func isFound(_ code: Int32) throws(StorageError) -> Bool {
        if code == MDB_NOTFOUND { return false }
        try Self.check(code)
        return true
    }
}

/// A place in a database; lent by ``Transaction/withCursor(on:_:)``.
struct Cursor {
    struct Pair {
        let key: UnsafeRawBufferPointer
        let value: UnsafeRawBufferPointer
    }

    let handle: OpaquePointer

    func first() throws(StorageError) -> Pair? {
        try self.move(MDB_FIRST, to: nil)
    }

    func next() throws(StorageError) -> Pair? {
        try self.move(MDB_NEXT, to: nil)
    }

    /// Goes to the first key that is the given one or comes after it; an empty one stands before all.
    func seek(_ key: UnsafeRawBufferPointer) throws(StorageError) -> Pair? {
        key.isEmpty ? try self.first() : try self.move(MDB_SET_RANGE, to: key)
    }

    /// Goes to the first key that comes after the given one.
    func next(after key: UnsafeRawBufferPointer) throws(StorageError) -> Pair? {
        guard let pair = try self.seek(key) else { return nil }
        return pair.key.count == key.count && compareBytes(pair.key, key) == 0 ? try self.next() : pair
    }

    /// Returns whether the pair of key and value is there, in a database that keeps several values of a key.
    func holds(_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws(StorageError) -> Bool {
        var keyValue = MDB_val(key)
        var dataValue = MDB_val(value)
        return try Transaction.isFound(mdb_cursor_get(self.handle, &keyValue, &dataValue, MDB_GET_BOTH))
    }

    /// Deletes the pair that the cursor is on; ``next()`` then goes to the one that followed it.
    func delete() throws(StorageError) {
        try Transaction.check(mdb_cursor_del(self.handle, 0))
    }

    private func move(_ operation: MDB_cursor_op, to key: UnsafeRawBufferPointer?) throws(StorageError) -> Pair? {
        var keyValue = key.map { MDB_val($0) } ?? MDB_val()
        var dataValue = MDB_val()
        guard try Transaction.isFound(mdb_cursor_get(self.handle, &keyValue, &dataValue, operation)) else {
            return nil
        }
        return Pair(key: UnsafeRawBufferPointer(keyValue), value: UnsafeRawBufferPointer(dataValue))
    }
}

extension MDB_val {
    /// Points at bytes that LMDB reads and never writes.
    @inline(__always)
    init(_ bytes: UnsafeRawBufferPointer) {
        self.init(mv_size: bytes.count, mv_data: UnsafeMutableRawPointer(mutating: bytes.baseAddress))
    }
}

extension UnsafeRawBufferPointer {
    @inline(__always)
    init(_ value: MDB_val) {
        self.init(start: value.mv_data, count: value.mv_size)
    }
}

extension [UInt8] {
    /// Calls the body with the bytes; the standard library's rethrows without a type.
    @inline(__always)
    func withUnsafeBytesTyped<Result>(
        _ body: (UnsafeRawBufferPointer) throws(StorageError) -> Result
    ) throws(StorageError) -> Result {
        let result: Swift.Result<Result, StorageError> = self.withUnsafeBytes { bytes in
            do throws(StorageError) { return .success(try body(bytes)) } catch { return .failure(error) }
        }
        return try result.get()
    }
}

extension String {
    /// Calls the body with the string's UTF-8 bytes, in place wherever the string allows it.
    @inline(__always)
    func withBytes<Result>(
        _ body: (UnsafeRawBufferPointer) throws(StorageError) -> Result
    ) throws(StorageError) -> Result {
        // The standard library rethrows without a type.
        func result(_ bytes: UnsafeRawBufferPointer) -> Swift.Result<Result, StorageError> {
            do throws(StorageError) { return .success(try body(bytes)) } catch { return .failure(error) }
        }
        let inPlace = self.utf8.withContiguousStorageIfAvailable { result(UnsafeRawBufferPointer($0)) }
        return try (inPlace ?? Array(self.utf8).withUnsafeBytes(result)).get()
    }
}
