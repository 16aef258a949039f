import CKVStorageSQLite
import KVStorage

/// What of the table's `key` column names an item: text of valid UTF-8 that is a normal key.
///
/// Other programs, or a flipped bit, can leave a row whose key is none. It could be neither read nor removed by the name
/// it would be listed under, so it is somebody else's row: never listed, cleared or repaired. Listing goes on behind its bytes.
enum Key {
    /// The SQL function that says whether a row is an item's, for statements that must spare the others.
    static let function = "kvstorage_is_key"

    /// Returns whether the bytes are valid UTF-8 and a key in its normal form, as ``Storage`` asks for it.
    static func isItem(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let last = bytes.last, last != UInt8(ascii: ":"), last != UInt8(ascii: "$") else { return false }
        var isBehindColon = true
        var isASCII = true
        for byte in bytes {
            switch byte {
            case UInt8(ascii: ":"):
                if isBehindColon { return false }
                isBehindColon = true
            case 0, UInt8(ascii: "?"), UInt8(ascii: "/"), UInt8(ascii: "\\"):
                return false
            default:
                isBehindColon = false
                if byte >= 0x80 { isASCII = false }
            }
        }
        return isASCII || String(validating: bytes, as: UTF8.self) != nil
    }

    /// Returns the key, or `nil` if the bytes name no item.
    static func name(_ bytes: UnsafeRawBufferPointer) -> String? {
        self.isItem(bytes) ? String(decoding: bytes, as: UTF8.self) : nil
    }

    /// Returns the least bytes that follow every key below the base, which ends in a colon; `nil` for the root.
    ///
    /// In the order of bytes the keys below `"a:"` are those between `"a:"` and `"a;"`.
    static func upperBound(ofBase base: some Collection<UInt8>) -> [UInt8]? {
        base.isEmpty ? nil : Array(base.dropLast()) + [UInt8(ascii: ";")]
    }

    static func precedes(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        left.withUnsafeBytes { left in right.withUnsafeBytes { right in compareBytes(left, right) < 0 } }
    }

    /// Registers ``function`` on a connection; it lives as long as that.
    static func register(on database: OpaquePointer?) throws(StorageError) {
        let code = sqlite3_create_function_v2(
            database,
            self.function,
            1,
            SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY,
            nil,
            { context, _, values in
                guard let value = values?.pointee, sqlite3_value_type(value) == SQLITE_TEXT else {
                    return sqlite3_result_int(context, 0)
                }
                let start = sqlite3_value_text(value)
                let bytes = UnsafeRawBufferPointer(start: start, count: Int(sqlite3_value_bytes(value)))
                sqlite3_result_int(context, Key.isItem(bytes) ? 1 : 0)
            },
            nil,
            nil,
            nil
        )
        guard code == SQLITE_OK else { throw StorageError(sqlite: code, database) }
    }
}

// MARK: - Cursors

extension Key {
    /// Returns the cursor for a page that ended at these bytes: the same as text, be it an item's key or not, or NUL and
    /// hexadecimal digits where they are none.
    static func cursor(at bytes: UnsafeRawBufferPointer) -> String {
        if bytes.first != 0, let text = String(validating: bytes, as: UTF8.self) { return text }
        let digits = Array("0123456789abcdef".utf8)
        return "\0" + String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    /// Returns where a page begins: behind its cursor, and never before its base.
    ///
    /// - Throws: `StorageError.Code.invalidOption` for a cursor that this driver did not make.
    static func start(of query: KeyQuery) throws(StorageError) -> [UInt8] {
        let base = Array(query.base.utf8)
        guard let cursor = query.cursor else { return base }
        // Nothing comes between a string and the same with NUL behind it.
        let start = try self.position(cursor) + [0]
        return self.precedes(start, base) ? base : start
    }

    private static func position(_ cursor: String) throws(StorageError) -> [UInt8] {
        var bytes = Array(cursor.utf8)
        guard bytes.first == 0 else { return bytes }
        let digits = bytes.dropFirst().map { UInt8(hexadecimal: $0) }
        bytes = []
        guard digits.count.isMultiple(of: 2) else { throw self.foreignCursor }
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let high = digits[index], let low = digits[index + 1] else { throw self.foreignCursor }
            bytes.append(high << 4 | low)
        }
        return bytes
    }

    private static var foreignCursor: StorageError {
        StorageError(.invalidOption, "the cursor is none that a page of this store ended with; begin anew without one")
    }
}

extension UInt8 {
    fileprivate init?(hexadecimal digit: UInt8) {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): self = digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): self = digit - UInt8(ascii: "a") + 10
        default: return nil
        }
    }
}
