import KVStorage

/// The key of the database that orders deadlines: eight bytes that sort as the deadline does.
///
/// Its values are the keys of the items that expire then (`MDB_DUPSORT`), so that an item's key may be as long there as
/// in the database of items: LMDB's limit holds for each of the two.
enum DeadlineKey {
    @inline(__always)
    static func withBytes<Result>(
        of deadline: Timestamp,
        _ body: (UnsafeRawBufferPointer) throws(StorageError) -> Result
    ) throws(StorageError) -> Result {
        // With the sign turned around negative times come first.
        let number = (UInt64(bitPattern: deadline.milliseconds) ^ (1 << 63)).bigEndian
        let result: Swift.Result<Result, StorageError> = withUnsafeBytes(of: number) { bytes in
            do throws(StorageError) { return .success(try body(bytes)) } catch { return .failure(error) }
        }
        return try result.get()
    }

    static func deadline(_ bytes: UnsafeRawBufferPointer) throws(StorageError) -> Timestamp {
        guard bytes.count == 8 else {
            throw StorageError(.corrupted, "the list of deadlines is damaged; restore the environment from a backup")
        }
        let number = UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)) ^ (1 << 63)
        return Timestamp(milliseconds: Int64(bitPattern: number))
    }
}
